// Only convenience: without scripts the field is not there and everything else works.
const find = document.getElementById("find");
find.hidden = false;
find.addEventListener("input", () => {
  const wanted = find.value.toLowerCase();
  for (const item of document.querySelectorAll("details.case")) {
    item.classList.toggle("unfound", !item.textContent.toLowerCase().includes(wanted));
  }
});
