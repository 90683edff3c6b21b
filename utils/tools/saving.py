"""What JupyterLab and nbconvert do with an explorer that they save.

Jupyter finds these functions by the files in `jupyter/`, which are copied into the
environment when the project is installed.
"""

import re

CODE = re.compile(r"<(script|style)\b.*?</\1>|</?p>", re.S)


def keep_alive(model, **_):
    """Save the page of an explorer, without the view of a widget that will be gone.

    Of an output with both, JupyterLab would look for the widget and not find it. Those
    without a page are left as they are.
    """
    if model["type"] != "notebook":
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in (data := output.get("data", {})):
                data.pop("application/vnd.jupyter.widget-view+json", None)


def leave_out_code(notebook, resources):
    """Leave code out of the outputs of a page that nbconvert sanitises.

    Nbconvert would forbid the elements that hold code, and show the code as text.
    """
    if resources.get("should_sanitize_html"):
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "text/html" in (data := output.get("data", {})):
                    data["text/html"] = CODE.sub("", data["text/html"])
    return notebook, resources
