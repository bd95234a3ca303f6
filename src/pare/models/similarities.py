"""Rows of a table by their similarity to some training rows: the features of a kernel machine (Nyström's method)."""

import torch
from torch import Tensor, nn

LANDMARKS = 1000  # at most so many training rows; 2000 give 2 % less error on 3000 rows in more than twice the time
GAUSSIAN, LAPLACE = (0.03, 0.3), (0.1, 0.3)  # sharpness of each kernel, where the median distance is 1
SMALLEST = 1e-6  # axes below this share of the largest eigenvalue are left out


class Similarities(nn.Module):
    """Rows to features whose inner products are a kernel, as near as `LANDMARKS` training rows give it.

    The kernel is the mean of Gaussian kernels, which are smooth, and of Laplace kernels of the sum of absolute
    differences, which bend at a value of one column as trees do. Features are on the axes of Nyström's method (Williams
    and Seeger, 2001), with mean 0 over the landmarks; a ridge regression on them is kernel ridge regression.

    Args:
        columns: of a row.
        rows: for training, of which at most `LANDMARKS` are landmarks.

    Attributes:
        features: how many there are, one a landmark.
    """

    landmarks: Tensor
    medians: Tensor
    axes: Tensor
    mean: Tensor

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.features = min(rows, LANDMARKS)
        self.register_buffer("landmarks", torch.zeros(self.features, columns))
        self.register_buffer("medians", torch.ones(2))
        self.register_buffer("axes", torch.zeros(self.features, self.features))
        self.register_buffer("mean", torch.zeros(self.features))

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Take the landmarks, at most `features`, ``(rows, columns)``; the axes are solved in double precision."""
        self.landmarks[: len(x)] = x
        among = [distances[:, : len(x)] for distances in self._distances(x)]
        self.medians.copy_(torch.stack([distances.median().clamp_min(1e-6) for distances in among]))
        kernel = self.kernel(x)[:, : len(x)].cpu().double()
        values, vectors = torch.linalg.eigh(kernel)
        kept = values > SMALLEST * values[-1]
        axes = vectors * torch.where(kept, values, torch.inf).rsqrt()
        self.axes[: len(x), : len(x)] = axes.to(self.axes)
        self.mean[: len(x)] = (kernel @ axes).mean(0).to(self.mean)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, columns)`` to ``(batch, features)``, in full precision: small axes are large sums that cancel."""
        with torch.autocast(x.device.type, enabled=False):
            return self.kernel(x.float()) @ self.axes - self.mean

    def kernel(self, x: Tensor) -> Tensor:
        """Similarity of rows ``(batch, columns)`` to each landmark, 0 to 1, ``(batch, landmarks)``."""
        city, straight = (d / median for d, median in zip(self._distances(x), self.medians, strict=True))
        kernels = [torch.exp(-sharpness * straight.square()) for sharpness in GAUSSIAN]
        kernels += [torch.exp(-sharpness * city) for sharpness in LAPLACE]
        return torch.stack(kernels).mean(0)

    def _distances(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """City-block and Euclidean distances to each landmark, ``(batch, landmarks)`` each."""
        exact = "donot_use_mm_for_euclid_dist"
        return torch.cdist(x, self.landmarks, p=1), torch.cdist(x, self.landmarks, p=2, compute_mode=exact)
