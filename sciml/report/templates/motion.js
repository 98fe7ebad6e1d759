"use strict";
for (const figure of document.querySelectorAll("[data-motion]")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const stage = figure.querySelector(".stage"), slider = figure.querySelector("input");
  const button = figure.querySelector("button"), output = figure.querySelector("output");
  const last = data.times.length - 1, W = 720, H = data.kind === "path" ? 420 : 260, NS = "http://www.w3.org/2000/svg";
  const unpack = text => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    return new Uint16Array(bytes.buffer);
  };
  const x = v => (v / 65534 * W).toFixed(1), y = v => ((1 - v / 65534) * H).toFixed(1);
  const join = points => {
    let path = "", pen = "M";
    for (const [a, b] of points) {
      if (a === 65535 || b === 65535) { pen = "M"; continue; }
      path += pen + x(a) + " " + y(b);
      pen = "L";
    }
    return path;
  };
  const draws = [];
  if (data.kind === "strip") {
    const grid = stage.appendChild(document.createElement("div"));
    grid.className = "strips";
    for (const series of data.series) {
      const cell = grid.appendChild(document.createElement("div"));
      const picture = cell.appendChild(document.createElement("div"));
      picture.className = "strip";
      picture.style.aspectRatio = `1 / ${data.tall}`;
      picture.style.backgroundImage = `url(${series.source})`;
      picture.style.backgroundSize = `100% ${100 * (last + 1)}%`;
      cell.append(series.label);
      draws.push(i => { picture.style.backgroundPosition = `0 ${100 * i / last}%`; });
    }
  } else {
    const svg = stage.appendChild(document.createElementNS(NS, "svg"));
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
    const legend = stage.appendChild(document.createElement("div"));
    legend.className = "legend";
    for (const series of data.series) {
      const line = svg.appendChild(document.createElementNS(NS, "path"));
      const reference = series.label === "reference";
      line.setAttribute("fill", "none");
      line.style.stroke = `var(${series.colour})`;
      line.setAttribute("stroke-width", reference ? 4 : 1.8);
      line.setAttribute("stroke-opacity", reference ? 0.35 : 1);
      const entry = legend.appendChild(document.createElement("span"));
      const sample = entry.appendChild(document.createElement("i"));
      sample.style.color = `var(${series.colour})`;
      entry.append(series.label);
      const parts = series.data.split("|").map(unpack), n = data.points;
      if (data.kind === "profile") {
        draws.push(i => line.setAttribute("d", join(Array.from(
          parts[0].subarray(i * n, (i + 1) * n), (v, k) => [k / (n - 1) * 65534, v]))));
      } else {
        draws.push(i => {
          const points = [];
          for (let k = Math.max(0, i - 250); k <= i; k++) points.push([parts[0][k], parts[1][k]]);
          line.setAttribute("d", join(points));
        });
      }
    }
    const axes = legend.appendChild(document.createElement("span"));
    axes.textContent = `${data.up} ↑ ${data.across} →`;
  }
  const show = i => {
    draws.forEach(draw => draw(i));
    output.textContent = `t = ${Number(data.times[i].toPrecision(4))}`;
  };
  slider.max = last;
  slider.addEventListener("input", () => show(+slider.value));
  let timer = 0;
  button.addEventListener("click", () => {
    if (timer) { clearInterval(timer); timer = 0; button.textContent = "▶"; return; }
    button.textContent = "⏸";
    timer = setInterval(() => {
      slider.value = +slider.value >= last ? 0 : +slider.value + Math.max(1, Math.round(last / 240));
      show(+slider.value);
    }, data.kind === "path" ? 30 : 110);
  });
  const start = data.kind === "path" ? Math.min(last, 250) : Math.round(last / 3);
  slider.value = start;
  show(start);
}
