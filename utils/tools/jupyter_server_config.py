"""JupyterLab as `make lab` starts it: an explorer that it saves needs no kernel."""


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


c.ContentsManager.pre_save_hook = keep_alive  # noqa: F821, Jupyter gives it c
