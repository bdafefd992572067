"use strict";
// Moves through the slices that the page holds; nothing is loaded from anywhere.
(function () {
  const source = document.getElementById("slice-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const slider = document.getElementById("slice");
  const depth = document.getElementById("depth");
  const picker = document.querySelectorAll("input[name=axis]");
  const panels = [...document.querySelectorAll(".panel")];
  let axis = Object.keys(data)[0];

  function draw() {
    const shown = data[axis];
    const at = Number(slider.value);
    const words = axis + " = " + shown.depths[at] + " (slice " + shown.slices[at] + " of " + shown.of + ")";
    depth.textContent = words;
    slider.setAttribute("aria-valuetext", words);
    panels.forEach(function (panel, i) {
      const one = shown.panels[i];
      const image = panel.querySelector("img");
      const bar = panel.querySelector(".bar");
      const uri = one.images[one.frames[at]];
      if (image.src !== uri) image.src = uri;
      image.alt = one.name + ", slice at " + words;
      const [left, top, width, height] = one.place;
      Object.assign(image.style, { left: left + "%", top: top + "%", width: width + "%", height: height + "%" });
      panel.querySelector(".field").style.aspectRatio = String(shown.aspect);
      bar.style.width = shown.bar.percent + "%";
      bar.textContent = shown.bar.text;
    });
    document.getElementById("plane").textContent = "normal to " + axis + ", " + shown.plane;
  }

  function choose(name) {
    const share = Number(slider.value) / Math.max(1, Number(slider.max));
    axis = name;
    slider.max = String(data[axis].slices.length - 1);
    slider.value = String(Math.round(share * Number(slider.max)));
    draw();
  }

  picker.forEach((one) => one.addEventListener("change", () => choose(one.value)));
  slider.addEventListener("input", draw);
  draw();
})();
