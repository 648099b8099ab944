/* The slice viewer of report.html. No library, no network: pictures and outlines come from the JSON in this page. */
"use strict";
(function () {
  const root = document.getElementById("viewer");
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const canvas = document.getElementById("viewer-slice");
  const detail = document.getElementById("viewer-detail");
  const slider = document.getElementById("viewer-slider");
  const select = document.getElementById("viewer-window");
  const toggle = document.getElementById("viewer-outlines");
  const status = document.getElementById("viewer-status");
  const detailBox = document.getElementById("viewer-detail-box");
  const detailText = document.getElementById("viewer-detail-text");
  const jumps = Array.from(root.querySelectorAll("button[data-finding]"));
  const state = { index: 0, window: 0, outlines: true, finding: null };
  const decoded = new Map();

  function grey(uri, size, done) {
    if (decoded.has(uri)) { done(decoded.get(uri)); return; }
    const image = new Image();
    image.onload = function () {
      const scratch = document.createElement("canvas");
      scratch.width = scratch.height = size;
      const pen = scratch.getContext("2d", { willReadFrequently: true });
      pen.drawImage(image, 0, 0);
      const rgba = pen.getImageData(0, 0, size, size).data;
      const values = new Uint8Array(size * size);
      for (let n = 0; n < values.length; n++) { values[n] = rgba[4 * n]; }
      decoded.set(uri, values);
      done(values);
    };
    image.src = uri;
  }

  function table() {
    const chosen = data.windows[state.window];
    const span = data.span[1] - data.span[0];
    const lookup = new Uint8ClampedArray(256);
    for (let n = 0; n < 256; n++) {
      const value = data.span[0] + (n / 255) * span;
      lookup[n] = Math.round(255 * (value - chosen.low) / (chosen.high - chosen.low));
    }
    return lookup;
  }

  function paint(target, values, size, contours, mm) {
    const lookup = table();
    const small = document.createElement("canvas");
    small.width = small.height = size;
    const pixels = small.getContext("2d").createImageData(size, size);
    for (let n = 0; n < values.length; n++) {
      const g = lookup[values[n]];
      pixels.data[4 * n] = pixels.data[4 * n + 1] = pixels.data[4 * n + 2] = g;
      pixels.data[4 * n + 3] = 255;
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    const pen = target.getContext("2d");
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(small, 0, 0, target.width, target.height);
    const scale = target.width / size;
    const unit = target.width / (target.clientWidth || target.width);  // one pixel of the page, in pixels of the canvas
    if (state.outlines) { drawContours(pen, contours, scale, target.width, unit); }
    drawLetters(pen, target.width, unit);
    drawBar(pen, target.width, mm / scale, unit);
  }

  function drawContours(pen, contours, scale, side, unit) {
    for (const item of contours) {
      let left = Infinity, right = 0, middle = 0, points = 0;
      for (const flat of item.slice(1)) {
        pen.beginPath();
        for (let n = 0; n < flat.length; n += 2) {
          const x = flat[n] / 10 * scale, y = flat[n + 1] / 10 * scale;
          if (n) { pen.lineTo(x, y); } else { pen.moveTo(x, y); }
          left = Math.min(left, x); right = Math.max(right, x); middle += y; points += 1;
        }
        pen.closePath();
        pen.strokeStyle = "rgba(0, 0, 0, .55)"; pen.lineWidth = 3 * unit; pen.stroke();
        pen.strokeStyle = "#ffbe28"; pen.lineWidth = 1.3 * unit; pen.stroke();
      }
      const y = middle / points;
      if (left < side && right > 0 && y > 0 && y < side) { label(pen, String(item[0]), Math.min(right + 6 * unit, side - 16 * unit), y, "left", 16 * unit, "#ffbe28"); }
    }
  }

  function label(pen, text, x, y, align, size, colour) {
    pen.font = "600 " + size + "px system-ui, sans-serif";
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.lineWidth = size / 5;
    pen.lineJoin = "round";
    pen.strokeStyle = "#000";
    pen.strokeText(text, x, y);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }

  function drawLetters(pen, side, unit) {
    const inset = 8 * unit, size = 14 * unit, colour = "#d6dae2";
    label(pen, data.edges[0], inset, side / 2, "left", size, colour);
    label(pen, data.edges[1], side - inset, side / 2, "right", size, colour);
    label(pen, data.edges[2], side / 2, inset + size / 2, "center", size, colour);
    label(pen, data.edges[3], side / 2, side - inset - size / 2, "center", size, colour);
  }

  function drawBar(pen, side, mmPerPixel, unit) {
    const wish = mmPerPixel * side / 3.2;
    const power = Math.pow(10, Math.floor(Math.log10(wish)));
    const length = [5, 2, 1].find(function (step) { return step * power <= wish; }) * power;
    const width = length / mmPerPixel;
    const x = 12 * unit, y = side - 12 * unit;
    pen.beginPath();
    pen.moveTo(x, y - 5 * unit); pen.lineTo(x, y); pen.lineTo(x + width, y); pen.lineTo(x + width, y - 5 * unit);
    pen.strokeStyle = "rgba(0, 0, 0, .7)"; pen.lineWidth = 4 * unit; pen.stroke();
    pen.strokeStyle = "#fff"; pen.lineWidth = 1.8 * unit; pen.stroke();
    label(pen, length + " " + data.unit, x, y - 12 * unit, "left", 12 * unit, "#fff");
  }

  function show() {
    const slice = data.slices[state.index];
    slider.value = String(state.index);
    const on = slice.contours.map(function (item) { return item[0]; });
    const words = slice.words + ", "
      + data.windows[state.window].name + " window"
      + (on.length ? ", finding" + (on.length > 1 ? "s " : " ") + on.join(", ") + " here" : jumps.length ? ", no finding here" : "");
    status.textContent = words;
    slider.setAttribute("aria-valuetext", words);
    canvas.setAttribute("aria-label", words);
    grey(slice.png, data.size, function (values) {
      if (data.slices[state.index] === slice) { paint(canvas, values, data.size, slice.contours, data.mm); }
    });
    showDetail(slice, on);
    for (const button of jumps) {
      button.setAttribute("aria-current", on.includes(Number(button.dataset.finding)) ? "true" : "false");
    }
  }

  function showDetail(slice, on) {
    const wanted = on.includes(state.finding) || !on.length ? state.finding : on[0];
    const found = data.details.find(function (item) { return item.number === wanted && item.png[slice.k]; });
    detailBox.classList.toggle("empty", !found);
    if (!found) { detailText.textContent = jumps.length ? "No finding here: use the buttons to go to one." : ""; return; }
    detailText.textContent = "Finding " + found.number + " at the resolution of the scan";
    detail.setAttribute("aria-label", "Detail of finding " + found.number + ", " + slice.words);
    grey(found.png[slice.k], found.size, function (values) {
      if (data.slices[state.index] === slice) { paint(detail, values, found.size, found.contours[slice.k], found.mm); }
    });
  }

  function go(index) {
    state.index = Math.max(0, Math.min(data.slices.length - 1, index));
    show();
  }

  function jump(number) {
    const finding = data.findings.find(function (item) { return item.number === number; });
    if (!finding) { return; }
    state.finding = number;
    go(data.slices.findIndex(function (slice) { return slice.k === finding.k; }));
  }

  function setOutlines(on) {
    state.outlines = on;
    toggle.setAttribute("aria-pressed", String(on));
    toggle.textContent = on ? "Outlines shown" : "Outlines hidden";
    show();
  }

  function key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) { return; }
    const moves = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    if (event.key in moves) { go(state.index + moves[event.key]); }
    else if (event.key === "Home") { go(0); }
    else if (event.key === "End") { go(data.slices.length - 1); }
    else if (event.key === "o") { setOutlines(!state.outlines); }
    else if (event.key === "w") { select.selectedIndex = state.window = (state.window + 1) % data.windows.length; show(); }
    else if (/^[1-9]$/.test(event.key)) { jump(Number(event.key)); }
    else { return; }
    event.preventDefault();
  }

  window.addEventListener("resize", show);
  slider.max = String(data.slices.length - 1);
  slider.hidden = data.slices.length < 2;
  canvas.addEventListener("keydown", key);
  slider.addEventListener("keydown", key);
  slider.addEventListener("input", function () { go(Number(slider.value)); });
  select.addEventListener("change", function () { state.window = select.selectedIndex; show(); });
  toggle.addEventListener("click", function () { setOutlines(!state.outlines); });
  canvas.addEventListener("wheel", function (event) {
    if (document.activeElement !== canvas) { return; }  // else the page could not be scrolled past
    event.preventDefault();
    go(state.index + Math.sign(event.deltaY));
  }, { passive: false });
  for (const link of document.querySelectorAll("[data-finding]")) {
    link.addEventListener("click", function (event) {
      jump(Number(link.dataset.finding));
      if (link.tagName === "A") { event.preventDefault(); root.scrollIntoView(); canvas.focus({ preventScroll: true }); }
    });
  }
  root.hidden = false;
  if (data.findings.length) { jump(data.findings[0].number); } else { go(Math.floor(data.slices.length / 2)); }
})();
