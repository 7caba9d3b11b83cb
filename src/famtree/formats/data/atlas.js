"use strict";
// Tables of the atlas page sort by their headings and are filtered by a word; they can be read
// without.
for (const part of document.querySelectorAll(".list")) {
  const body = part.querySelector("tbody"), headings = [...part.querySelectorAll("th")];
  const rows = [...body.rows], filter = part.querySelector(".filter");
  const [input, told] = [filter.querySelector("input"), filter.querySelector("output")];
  const words = rows.map((row) => row.textContent.toLowerCase());

  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const compare = (a, b) =>
    a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b);
  headings.forEach((heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const column = heading.cellIndex;
      const falling = heading.getAttribute("aria-sort") === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const order = [...rows].sort((a, b) => compare(value(a, column), value(b, column)));
      body.append(...(falling ? order.reverse() : order));
    });
  });

  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !words[number].includes(wanted);
      shown += !row.hidden;
    });
    told.textContent = wanted ? `${shown} of ${rows.length}` : "";
  });
  filter.hidden = rows.length < 2;
}
