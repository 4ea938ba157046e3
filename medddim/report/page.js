"use strict";

// The slider: before on the left of the line, after on its right.
for (const input of document.querySelectorAll(".slider input")) {
  const show = () => input.parentNode.style.setProperty("--cut", input.value + "%");
  input.addEventListener("input", show);
  show();
}

// Dark or light: as the system has it until the button says otherwise.
const theme = document.getElementById("theme");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () =>
  (document.documentElement.dataset.theme || (systemIsDark.matches ? "dark" : "light")) === "dark";
const nameTheme = () => { theme.textContent = isDark() ? "Light page" : "Dark page"; };
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
systemIsDark.addEventListener("change", nameTheme);
nameTheme();

// The viewer: NiiVue and the volumes lie in this page, packed.
const PLANES = { sagittal: 0, coronal: 1, axial: 2 };
const CHANGE = { // as the colours of the pictures
  R: [168, 58, 11, 201, 255], G: [208, 130, 13, 106, 196], B: [255, 204, 16, 34, 143],
  A: [255, 255, 255, 255, 255], I: [0, 64, 128, 192, 255],
};
const SCALES = { // what the bar below the picture looks like, from left to right
  gray: "#000, #fff",
  change: "#a8d0ff, #3a82cc, #0b0d10, #c96a22, #ffc48f",
  inferno: "#000004, #420a68, #932667, #dd513a, #fca50a, #fcffa4",
};
const NARROW = matchMedia("(max-width: 40rem)"); // a phone: one plane, as wide as the screen
const STRUCTURE = "structure in the change";
const WORDS = {
  "enhanced − input": "what was changed: blue darker, orange brighter",
  "enhanced − reference": "the error that is left: blue too dark, orange too bright",
  [STRUCTURE]: "where the change is beyond what noise would leave; black: nowhere",
};
const shortly = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");
const SPACE = " ";

function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function unpacked(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

let library = null;
function viewerLibrary() {
  library ??= (async () => {
    const script = document.createElement("script");
    script.type = "module";
    script.textContent = new TextDecoder().decode(
      await unpacked(document.getElementById("niivue").textContent));
    document.head.append(script);
    for (let tries = 0; !window.medddimViewer && tries < 600; tries++) {
      await new Promise((go) => setTimeout(go, 50));
    }
    if (!window.medddimViewer) throw new Error("the viewer did not start");
    return window.medddimViewer;
  })();
  return library;
}

// A difference of two files with the same levels: a file that holds the levels' difference.
function subtracted(one, other) {
  const levels = (file) => {
    const type = new DataView(file).getInt16(70, true);
    return new (type === 2 ? Uint8Array : Int16Array)(file.slice(352));
  };
  const [a, b] = [levels(one), levels(other)];
  const result = new Uint8Array(352 + 2 * a.length);
  result.set(new Uint8Array(one, 0, 352));
  const header = new DataView(result.buffer);
  header.setInt16(70, 4, true); // int16
  header.setInt16(72, 16, true);
  header.setFloat32(116, 0, true); // no intercept
  const difference = new Int16Array(result.buffer, 352);
  for (let i = 0; i < a.length; i++) difference[i] = a[i] - b[i];
  return result.buffer;
}

class Viewer {
  constructor(root) {
    this.root = root;
    this.scene = JSON.parse(root.querySelector(".scene").textContent);
    this.canvas = root.querySelector("canvas");
    this.state = root.querySelector(".state");
    this.images = new Map(); // by the name on its button
    this.makers = new Map(); // the same names; how to make an image when it is first asked for
  }

  async start() {
    const { Niivue, NVImage, SHOW_RENDER } = await viewerLibrary();
    this.NVImage = NVImage;
    this.nv = new Niivue({
      isRadiologicalConvention: true, sagittalNoseLeft: true, backColor: [0, 0, 0, 1],
      crosshairColor: [0.5, 0.7, 1, 0.7], crosshairWidth: 0.3, crosshairWidthUnit: "percent", crosshairGap: 6,
      showAllOrientationMarkers: this.scene.planes.length > 1,
      dragAndDropEnabled: false, loadingText: "", multiplanarShowRender: SHOW_RENDER.NEVER,
      multiplanarLayout: 3, tileMargin: 4, show3Dcrosshair: false, logLevel: "error",
    });
    await this.nv.attachToCanvas(this.canvas);
    this.nv.addColormap("change", CHANGE);
    await this.unpack();
    this.buttons();
    this.nv.addVolume(this.images.get("enhanced"));
    this.planes();
    this.layout();
    NARROW.addEventListener("change", () => this.layout());
    await this.show("enhanced");
    this.scrolling();
    this.nv.onLocationChange = () => this.showPlace();
    this.nv.onIntensityChange = () => this.scale();
    this.showPlace();
    this.state.hidden = true;
    this.root.dataset.ready = "yes";
  }

  async unpack() {
    const packed = [...this.root.querySelectorAll(".volume")];
    const files = await Promise.all(packed.map((element) => unpacked(element.textContent)));
    const { volumes, window: [low, high], change } = this.scene;
    const scans = Object.fromEntries(volumes.map((v, i) => [v.name, files[i]]));
    const offer = (name, file, colours, from, to) => this.makers.set(
      name, () => this.NVImage.new(file(), name + ".nii", colours, 1, null, from, to, true));
    const grey = (name) => offer(name, () => scans[name], "gray", low, high);
    const minus = (one, other) => offer(`${one} − ${other}`,
      () => subtracted(scans[one], scans[other]), "change", -change, change);
    grey("input");
    grey("enhanced");
    if (scans.reference) grey("reference");
    minus("enhanced", "input");
    if (scans.reference) minus("enhanced", "reference");
    for (const { name, kind, end } of volumes) {
      if (kind === "signed") offer(name, () => scans[name], "change", -end, end);
      if (kind === "map") offer(name, () => scans[name], "inferno", 0, end);
    }
    for (const name of ["input", "enhanced", "reference"]) if (scans[name]) await this.image(name);
  }

  async image(name) {
    if (!this.images.has(name)) this.images.set(name, await this.makers.get(name)());
    return this.images.get(name);
  }

  buttons() {
    this.choice(".layers", "layer", this.makers.keys(), (name) => this.show(name));
  }

  planes() { // the largest one first, where only one is shown
    const [x, y, z] = this.counts;
    const voxels = { axial: x * y, coronal: x * z, sagittal: y * z };
    this.plane = [...this.scene.planes].sort((a, b) => voxels[b] - voxels[a])[0];
    this.choice(".planes", "plane", this.scene.planes, (name) => {
      this.plane = name;
      this.layout();
    });
    this.root.querySelector(`.planes input[value="${this.plane}"]`).checked = true;
  }

  layout() {
    const several = this.scene.planes.length > 1;
    const types = { axial: this.nv.sliceTypeAxial, coronal: this.nv.sliceTypeCoronal,
      sagittal: this.nv.sliceTypeSagittal };
    const one = several && !NARROW.matches ? null : this.plane;
    this.root.querySelector(".planes").hidden = !(several && NARROW.matches);
    const image = this.images.get("enhanced");
    const [x, y, z] = this.counts.map((n, axis) => n * image.pixDimsRAS[axis + 1]);
    const [width, height] = { axial: [x, y], coronal: [x, z], sagittal: [y, z] }[this.plane];
    const screen = this.canvas.parentNode;
    screen.style.height = NARROW.matches ? "auto" : "";
    screen.style.aspectRatio = NARROW.matches ? `${width} / ${Math.min(height, 1.5 * width)}` : "";
    this.nv.setSliceType(one ? types[one] : this.nv.sliceTypeMultiplanar);
    this.nv.resizeListener();
  }

  choice(where, kind, names, chosen) { // radio buttons, one of a kind in each viewer
    const group = this.root.querySelector(where);
    const called = kind + "-" + [...document.querySelectorAll(".viewer")].indexOf(this.root);
    for (const name of names) {
      const [label, input, words] = ["label", "input", "span"].map((t) => document.createElement(t));
      Object.assign(input, { type: "radio", name: called, value: name });
      input.checked = name === "enhanced";
      input.addEventListener("change", () => chosen(name));
      words.textContent = name;
      label.append(input, words);
      group.append(label);
    }
  }

  async show(name) {
    this.shown = name;
    for (const input of this.root.querySelectorAll(".layers input")) {
      input.checked = input.value === name;
    }
    const image = await this.image(name);
    if (this.shown !== name) return; // another was asked for meanwhile
    this.nv.volumes = [image];
    this.nv.setVolume(image, 0); // NiiVue remembers its lowest layer apart from the list
    this.showPlace();
    this.scale();
    this.root.dataset.shown = name;
  }

  scale() { // what the colours mean
    const image = this.nv.volumes[0];
    const bar = this.root.querySelector(".scale");
    const [from, to] = bar.querySelectorAll("span");
    const unit = this.shown === STRUCTURE ? "standard deviations" : this.scene.unit;
    from.textContent = shortly(image.cal_min);
    to.textContent = (shortly(image.cal_max) + " " + unit).trim();
    bar.querySelector("i").style.background = `linear-gradient(to right, ${SCALES[image.colormap]})`;
    bar.querySelector("b").textContent = WORDS[this.shown] || "";
    bar.hidden = false;
  }

  get counts() { return this.images.get("enhanced").dimsRAS.slice(1, 4); }

  get place() { // voxel, in RAS order
    return this.counts.map((n, axis) =>
      Math.min(n - 1, Math.max(0, Math.round(this.nv.scene.crosshairPos[axis] * n - 0.5))));
  }

  go(axis, index) {
    const n = this.counts[axis];
    this.nv.scene.crosshairPos[axis] = (Math.min(n - 1, Math.max(0, index)) + 0.5) / n;
    this.nv.drawScene();
    this.showPlace();
  }

  scrolling() {
    for (const input of this.root.querySelectorAll(".scroll input")) {
      const axis = PLANES[input.dataset.plane];
      input.max = this.counts[axis] - 1;
      input.parentNode.hidden = this.counts[axis] < 2;
      input.addEventListener("input", () => this.go(axis, Number(input.value)));
    }
    const steps = { ArrowLeft: [0, 1], ArrowRight: [0, -1], ArrowUp: [1, 1], ArrowDown: [1, -1],
      PageUp: [2, 1], PageDown: [2, -1] };
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key === SPACE) this.show(this.shown === "input" ? "enhanced" : "input");
      else if (steps[event.key]) {
        const [axis, by] = steps[event.key];
        this.go(axis, this.place[axis] + by);
      } else return;
      event.preventDefault();
    });
  }

  showPlace() {
    const place = this.place;
    for (const input of this.root.querySelectorAll(".scroll input")) {
      const axis = PLANES[input.dataset.plane];
      input.value = place[axis];
      input.nextElementSibling.textContent = `${place[axis] + 1} / ${this.counts[axis]}`;
    }
    const mm = this.nv.frac2mm(this.nv.scene.crosshairPos);
    const values = [...this.images].map(([name, image]) => {
      const value = image.getValue(...image.mm2vox(mm));
      return `${name} ${shortly(Math.abs(value) < 1e-5 * image.cal_max ? 0 : value)}`;
    });
    this.root.querySelector(".values").textContent =
      "At the cross: " + values.join(" · ") + (this.scene.unit ? `  (${this.scene.unit})` : "");
  }
}

for (const root of document.querySelectorAll(".viewer[data-scene]")) {
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    const viewer = new Viewer(root);
    viewer.start().catch((problem) => {
      viewer.state.hidden = false;
      viewer.state.textContent =
        "This browser cannot show the scan interactively (" + problem.message + "). The pictures below need nothing.";
      root.dataset.ready = "failed";
    });
  }, { rootMargin: "400px" });
  seen.observe(root);
}
