"""What JupyterLab does to a notebook that it saves, as `make lab` starts it.

Jupyter finds this function by `jupyter_server_config.json`, beside it.
"""


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
