// A picture is enlarged on a touch; code that only draws is shown by one switch; all that
// is folded is printed, but for code and numbers.
const dialog = document.querySelector("dialog.enlarged");
for (const button of document.querySelectorAll("button.enlarge")) {
  button.addEventListener("click", () => {
    dialog.querySelector("div").replaceChildren(button.querySelector("img").cloneNode());
    dialog.setAttribute("aria-label", button.getAttribute("aria-label").replace("Enlarge ", ""));
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => {
  if (event.target.tagName !== "IMG") dialog.close();
});

const label = document.querySelector("label.show-code");
if (label) {
  const box = label.querySelector("input");
  const show = () => {
    for (const each of document.querySelectorAll("details.code")) each.open = box.checked;
  };
  box.checked = sessionStorage.getItem("show-code") === "yes";
  label.hidden = false;
  if (box.checked) show();
  box.addEventListener("change", () => {
    sessionStorage.setItem("show-code", box.checked ? "yes" : "no");
    show();
  });
}

let unfolded = [];
addEventListener("beforeprint", () => {
  const closed = "details:not([open], .code, .numbers)";
  unfolded = [...document.querySelectorAll(closed)];
  for (const each of unfolded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
});
