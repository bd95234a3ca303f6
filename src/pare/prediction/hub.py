"""Trained models on the Hugging Face hub: a model's folder, up and down."""

from pathlib import Path
from tempfile import TemporaryDirectory

from pare.config import PareError
from pare.data.origins.download import brief
from pare.learners.model import Model

HUB = "hf://"  # before the name of a repository, as in hf://me/wine or hf://me/wine@v1


def push_model(trained: Model, repo_id: str, *, private: bool | None, token: str | None) -> str:
    """Upload the folder of a model as one commit; what the repository held before is in its history only.

    Arguments, result and errors are those of `pare.prediction.predict.Predictor.push_to_hub`.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415 - slow to import

    api = HfApi(token=token)
    with TemporaryDirectory() as name:
        folder = Path(name) / "model"
        trained.save(folder)
        try:
            repo = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            message = f"Upload {trained.run.title}"
            return str(api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message, delete_patterns="*"))
        except Exception as error:  # httpx's or the hub's own: all mean that it was not uploaded
            raise PareError(
                f"cannot upload the model to {repo_id!r} on the Hugging Face hub ({brief(error)}). The name has the "
                "form owner/name; `hf auth login` with a token that may write lets you in; the model is in its "
                "folder as before"
            ) from error


def fetch_model(address: str) -> Path:
    """The folder of a model in the hub's cache, brought there if it is not yet.

    Args:
        address: ``hf://owner/name``, or with a branch, tag or commit ``hf://owner/name@revision``.

    Raises:
        PareError: where it cannot be fetched.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

    repo_id, _, revision = address.removeprefix(HUB).partition("@")
    try:
        return Path(snapshot_download(repo_id, revision=revision or None))
    except Exception as error:  # httpx's or the hub's own: all mean that it was not fetched
        raise PareError(
            f"cannot fetch the model {address!r} from the Hugging Face hub ({brief(error)}). Check the name on "
            f"https://huggingface.co/{repo_id}; `hf auth login` lets you in to a private one; without a network, "
            f"run `hf download {repo_id} --local-dir FOLDER` on a machine that has one, and load that folder"
        ) from error
