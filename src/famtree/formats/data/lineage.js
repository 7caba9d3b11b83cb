"use strict";
// What the lineage page can do beyond being read: it is whole without this script. The layout is
// famtree's own; here boxes are hidden, and the room that they leave is closed up. Text of a
// checkpoint is only ever moved as nodes of the document, never read as markup.
{
  const WIDE = 8; // more parents than this are folded
  const KEPT = 6; // of which these are shown
  const ROOM = 28; // left where boxes were hidden, pixels
  const SMALLEST = 0.05, LARGEST = 4, LEGIBLE = 0.7, ROOMY = innerWidth > 2400 ? 1.6 : 1.2;
  const SVG = "http://www.w3.org/2000/svg";

  const find = (name) => document.getElementById(name);
  const view = find("view"), panel = find("panel"), search = find("search");
  const graph = view.querySelector("svg.graph");
  const numbers = (text) => text.match(/-?[\d.]+/g).map(Number);
  const full = numbers(graph.getAttribute("viewBox")).slice(2);

  const place = (element) => {
    const [x, y] = numbers(element.getAttribute("transform"));
    const rect = element.querySelector("rect");
    const [wide, high] = ["width", "height"].map((side) => Number(rect.getAttribute(side)));
    return { element, x, y, wide, high, shown: true };
  };
  const boxes = [...graph.querySelectorAll("a.node")].map((element) => ({
    ...place(element), words: element.getAttribute("aria-label").toLowerCase(),
    below: [], above: [], folded: new Set(),
  }));
  const lines = [...graph.querySelectorAll("path.line")];
  const links = lines.map((line, number) => {
    const element = find(`l${number}`), data = element.dataset;
    const path = line.getAttribute("d").split(/(?=[MC])/).map((part) => [part[0], numbers(part)]);
    const link = {
      ...place(element), line, path, status: data.status, relation: data.relation,
      child: boxes[data.child], parent: boxes[data.parent],
    };
    link.child.below.push(link);
    link.parent.above.push(link);
    return link;
  });

  // Where reading begins: the asked-for checkpoint, and one of each part that nothing joins to it.
  const starts = [], met = new Set();
  const follow = (start, seen, allowed) => {
    const waiting = [start];
    for (let box; (box = waiting.pop()); ) {
      if (seen.has(box)) continue;
      seen.add(box);
      for (const link of box.below) if (allowed(link)) waiting.push(link.parent);
    }
  };
  for (const box of boxes) {
    if (met.has(box)) continue;
    starts.push(box);
    follow(box, met, () => true);
  }

  // Wide rows of siblings: those in the middle stay, and every claim that was ruled out.
  for (const box of boxes) {
    if (box.below.length <= WIDE) continue;
    const away = (link) => Math.abs(link.parent.x - box.x);
    box.rest = [...box.below].sort((a, b) => away(a) - away(b)).slice(KEPT);
    box.rest = box.rest.filter((link) => link.status !== "contradicted");
    box.folded = new Set(box.rest);
    box.button = document.createElementNS(SVG, "g");
    const rect = document.createElementNS(SVG, "rect"), text = document.createElementNS(SVG, "text");
    const shape = { x: -60, y: box.high / 2 + 2, width: 120, height: 22, rx: 11 };
    for (const [name, value] of Object.entries(shape)) rect.setAttribute(name, value);
    text.setAttribute("y", box.high / 2 + 17);
    text.setAttribute("text-anchor", "middle");
    box.button.append(rect, text);
    for (const [name, value] of [["class", "fold"], ["role", "button"], ["tabindex", "0"]])
      box.button.setAttribute(name, value);
    box.element.after(box.button);
    box.button.addEventListener("click", () => fold(box));
    box.button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      fold(box);
    });
  }

  const fold = (box) => {
    box.folded = new Set(box.folded.size ? [] : box.rest);
    refresh(box);
  };

  const checked = (name) => new Set(
    [...document.querySelectorAll(`#tools input[name=${name}]:checked`)].map((one) => one.value));

  // Hide what filters and folds leave out, and all that can no longer be reached.
  let size = full;
  function refresh(anchor) {
    const before = anchor && anchor.element.getBoundingClientRect();
    const statuses = checked("status"), relations = checked("relation");
    const allowed = (link) =>
      statuses.has(link.status) && relations.has(link.relation) && !link.child.folded.has(link);
    const seen = new Set();
    for (const start of starts) follow(start, seen, allowed);
    for (const box of boxes) show(box, seen.has(box));
    for (const link of links) {
      show(link, seen.has(link.child) && allowed(link));
      link.line.classList.toggle("gone", !link.shown);
    }
    close();
    resize(scale);
    grow();
    if (before) {
      const after = anchor.element.getBoundingClientRect();
      view.scrollBy(after.left - before.left, after.top - before.top);
    }
  }
  const show = (one, shown) => {
    one.shown = shown;
    one.element.classList.toggle("gone", !shown);
    if (!one.button) return;
    one.button.classList.toggle("gone", !shown);
    const count = one.rest.length, folded = one.folded.size > 0;
    one.button.querySelector("text").textContent = folded ? `+ ${count} more` : "− fewer";
    one.button.setAttribute("aria-expanded", String(!folded));
    one.button.setAttribute("aria-label", `${count} more parents of ${one.element.dataset.name}`);
  };

  // Close up empty strips, across and down. Order and distances inside of what is shown stay.
  function close() {
    const things = [...boxes, ...links].filter((one) => one.shown);
    const whole = things.length === boxes.length + links.length;
    const across = things.map((one) => [one.x - one.wide / 2, one.x + one.wide / 2]);
    for (const link of links) {
      if (!link.shown) continue;
      for (const [, at] of link.path)
        for (let i = 0; i < at.length; i += 2) across.push([at[i] - 4, at[i] + 4]);
    }
    const down = things.map((one) => [one.y - one.high / 2, one.y + one.high / 2]);
    const [moveX, width] = whole ? [(x) => x, full[0]] : squeeze(across);
    const [moveY, height] = whole ? [(y) => y, full[1]] : squeeze(down);
    const write = (x, y) => `${moveX(x).toFixed(1)} ${moveY(y).toFixed(1)}`;
    for (const one of things) {
      const at = `translate(${write(one.x, one.y)})`;
      one.element.setAttribute("transform", at);
      if (one.button) one.button.setAttribute("transform", at);
      if (!one.path) continue;
      one.line.setAttribute("d", one.path.map(([letter, at]) => {
        const points = [];
        for (let i = 0; i < at.length; i += 2) points.push(write(at[i], at[i + 1]));
        return letter + points.join(" ");
      }).join(" "));
    }
    size = [width, height];
    graph.setAttribute("viewBox", `0 0 ${width.toFixed(0)} ${height.toFixed(0)}`);
  }
  // Return where each place goes when no gap between `spans` is wider than ROOM, and the new end.
  function squeeze(spans) {
    const steps = [];
    let end = -Infinity, saved = 0;
    for (const [low, high] of spans.sort((a, b) => a[0] - b[0])) {
      if (end === -Infinity) saved = low - 16;
      else if (low - end > ROOM) saved += low - end - ROOM;
      if (low > end) steps.push([low, saved]);
      end = Math.max(end, high);
    }
    const move = (value) => {
      let shift = steps.length ? steps[0][1] : 0;
      for (const [low, less] of steps) {
        if (low > value) break;
        shift = less;
      }
      return value - shift;
    };
    return [move, end - saved + 16];
  }

  // Moving and zooming: the drawing is a scrolled region, so touch and keys move it by themselves.
  let scale = LEGIBLE;
  function resize(wanted) {
    scale = Math.min(LARGEST, Math.max(SMALLEST, wanted));
    graph.setAttribute("width", (size[0] * scale).toFixed(0));
    graph.setAttribute("height", (size[1] * scale).toFixed(0));
    find("scale").textContent = `${Math.round(scale * 100)} %`;
  }
  // Give the drawing the height it needs, but no less than it has: zooming must not move the page.
  function grow() {
    const needed = Math.min(size[1] * scale + 24, innerHeight * 0.8);
    if (needed > view.offsetHeight) view.style.height = `${needed.toFixed(0)}px`;
  }
  function zoom(factor, x, y) {
    const frame = view.getBoundingClientRect(), old = graph.getBoundingClientRect();
    x ??= frame.left + view.clientWidth / 2;
    y ??= frame.top + view.clientHeight / 2;
    const [shareX, shareY] = [(x - old.left) / old.width, (y - old.top) / old.height];
    resize(scale * factor);
    const now = graph.getBoundingClientRect();
    view.scrollBy(now.left + shareX * now.width - x, now.top + shareY * now.height - y);
  }
  const fitting = () => Math.min((view.clientWidth - 2) / size[0], (innerHeight * 0.8) / size[1]);
  function center(box) {
    const frame = view.getBoundingClientRect(), at = box.element.getBoundingClientRect();
    view.scrollBy(
      (at.left + at.right) / 2 - frame.left - view.clientWidth / 2,
      (at.top + at.bottom) / 2 - frame.top - view.clientHeight / 2);
  }

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }, { passive: false });

  let dragged = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0)
      dragged = { x: event.clientX, y: event.clientY, far: false };
  });
  addEventListener("pointermove", (event) => {
    if (!dragged || !(event.buttons & 1)) return;
    const [x, y] = [event.clientX - dragged.x, event.clientY - dragged.y];
    if (!dragged.far && Math.hypot(x, y) < 5) return;
    view.scrollBy(-x, -y);
    view.classList.add("dragging");
    dragged = { x: event.clientX, y: event.clientY, far: true };
  });
  addEventListener("pointerup", () => {
    view.classList.remove("dragging");
    setTimeout(() => (dragged = null)); // after the click that ends it
  });
  view.addEventListener("dragstart", (event) => event.preventDefault());

  let spread = 0;
  const measure = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  view.addEventListener("touchmove", (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const [a, b] = event.touches, now = measure(event.touches);
    if (spread) zoom(now / spread, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2);
    spread = now;
  }, { passive: false });
  for (const kind of ["touchstart", "touchend", "touchcancel"])
    view.addEventListener(kind, (event) => {
      spread = event.touches.length === 2 ? measure(event.touches) : 0;
    }, { passive: true });

  // The side panel shows what the lists below the drawing hold.
  function tell(name) {
    const inside = find(name), title = document.createElement("h2");
    const summary = inside.parentElement.querySelector("summary");
    title.append(...summary.cloneNode(true).childNodes);
    panel.replaceChildren(title, ...inside.cloneNode(true).childNodes);
    panel.scrollTop = 0;
    for (const one of graph.querySelectorAll("a")) {
      const chosen = one.getAttribute("href") === `#${name}`;
      one.classList.toggle("chosen", chosen);
      if (chosen) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
  }
  // Show a box or a label of the drawing, whatever hides it.
  function reveal(one) {
    if (!one.shown) {
      const seen = new Set();
      const open = (box) => {
        if (seen.has(box) || box.shown) return;
        seen.add(box);
        for (const link of box.above) {
          open(link.child);
          link.child.folded.delete(link);
        }
      };
      if (one.child) {
        open(one.child);
        one.child.folded.delete(one);
      } else open(one);
      refresh();
    }
    if (!one.shown) {
      for (const box of document.querySelectorAll("#tools input[type=checkbox]")) box.checked = true;
      refresh();
    }
    center(one);
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const [, kind, number] = /^#([nebl])(\d+)$/.exec(link?.getAttribute("href")) ?? [];
    if (!kind) return;
    if (kind === "b" || kind === "l") {
      event.preventDefault();
      const one = (kind === "b" ? boxes : links)[number];
      reveal(one);
      view.scrollIntoView({ block: "nearest" });
      one.element.focus({ preventScroll: true });
      tell((kind === "b" ? "n" : "e") + number);
    } else if (graph.contains(link) || panel.contains(link)) {
      event.preventDefault();
      tell(kind + number);
      if (panel.contains(document.activeElement) || !document.activeElement) panel.focus();
    }
  });
  view.addEventListener("click", (event) => {
    if (!dragged?.far) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  const beside = (box, way) => boxes
    .filter((one) => one.shown && one !== box && one.y === box.y && (one.x - box.x) * way > 0)
    .sort((a, b) => Math.abs(a.x - box.x) - Math.abs(b.x - box.x))[0];
  const steps = {
    ArrowDown: (box) => box.below.find((link) => link.shown)?.parent,
    ArrowUp: (box) => box.above.find((link) => link.shown)?.child,
    ArrowLeft: (box) => beside(box, -1),
    ArrowRight: (box) => beside(box, 1),
  };
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") resize(fitting());
    else if (steps[event.key]) {
      const box = boxes.find((one) => one.element === document.activeElement);
      if (!box) return; // the region scrolls by itself
      const next = steps[event.key](box);
      if (next) {
        next.element.focus({ preventScroll: true });
        center(next);
      }
    } else return;
    event.preventDefault();
  });

  // Searching: what is found stands out, Enter goes from one to the next.
  let hits = [], current = -1;
  search.addEventListener("input", () => {
    const text = search.value.trim().toLowerCase();
    hits = text ? boxes.filter((box) => box.words.includes(text)) : [];
    current = -1;
    graph.classList.toggle("searching", text !== "");
    for (const box of boxes) box.element.classList.toggle("found", hits.includes(box));
    find("hits").textContent = text ? `${hits.length} of ${boxes.length}` : "";
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !hits.length) return;
    event.preventDefault();
    current = (current + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
    reveal(hits[current]);
    tell(hits[current].element.getAttribute("href").slice(1));
    find("hits").textContent = `${current + 1} of ${hits.length}`;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input") || event.ctrlKey) return;
    event.preventDefault();
    search.focus();
  });

  find("tools").addEventListener("change", (event) => {
    if (event.target.type === "checkbox") refresh(boxes[0]);
  });
  const buttons = {
    in: () => zoom(1.25), out: () => zoom(0.8), fit: () => resize(fitting()), home: () => {
      if (scale < LEGIBLE) resize(1);
      reveal(boxes[0]);
    },
  };
  for (const [name, act] of Object.entries(buttons)) find(name).addEventListener("click", act);

  find("tools").hidden = panel.hidden = false;
  document.body.classList.add("lively");
  view.style.height = "12rem";
  refresh();
  resize(Math.min(ROOMY, Math.max(LEGIBLE, fitting())));
  grow();
  center(boxes[0]);
  tell("n0");
}
