"""The files next to the report's page."""

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from pare.paper.report.figures import svg_text
from pare.report.page import Plot


@dataclass
class Files:
    """Texts of the files next to the page, by their path."""

    texts: dict[str, str] = field(default_factory=dict)

    def add_table(self, name: str, frame: pd.DataFrame, markdown: str = "") -> list[str]:
        """Keep a table as CSV, and as Markdown where that is given; the files' paths."""
        files = {f"tables/{name}.csv": frame.to_csv(index=False)}
        if markdown:
            files[f"tables/{name}.md"] = markdown
        self.texts |= files
        return list(files)

    def add_figure(self, name: str, figure: Figure, title: str, data: pd.DataFrame, caption: str) -> Plot:
        """Keep a figure as SVG with its data as CSV; the figure for the page."""
        svg = svg_text(figure, f"{name}: {title}")
        files = {f"figures/{name}.svg": svg, f"figures/{name}.csv": data.to_csv(index=False)}
        self.texts |= files
        return Plot(title, svg, caption, list(files))
