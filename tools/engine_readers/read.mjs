// Reads an exported FBX or GLB as three.js does and prints JSON: where bones are at given frames, and what the glTF
// validator found.
//
//     node read.mjs FILE FRAMES FPS [FOLDER]     FRAMES such as 0,16,39; FOLDER holds node_modules, default: this one

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [file, frames, fps, folder = import.meta.dirname] = process.argv.slice(2);
const packages = join(folder, "node_modules");
const load = (path) => import(pathToFileURL(join(packages, path)));
const validator = createRequire(import.meta.url)(join(packages, "gltf-validator"));

// What the loaders expect of a browser; no picture is ever loaded.
globalThis.self = globalThis;
globalThis.window = globalThis;
globalThis.document = { createElementNS: () => ({ addEventListener() {}, removeEventListener() {} }) };

const { AnimationMixer, Vector3 } = await load("three/build/three.module.js");

async function readScene(bytes) {
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  if (file.endsWith(".fbx")) {
    const { FBXLoader } = await load("three/examples/jsm/loaders/FBXLoader.js");
    const root = new FBXLoader().parse(data, "");
    return { root, clips: root.animations, report: null };
  }
  const { GLTFLoader } = await load("three/examples/jsm/loaders/GLTFLoader.js");
  const parsed = await new GLTFLoader().parseAsync(data, "");
  const report = await validator.validateBytes(new Uint8Array(data));
  return { root: parsed.scene, clips: parsed.animations, report: report.issues };
}

function namedPath(node) {
  for (let one = node.parent; one; one = one.parent) if (!one.isBone && one.name) return `${one.name}/${node.name}`;
  return node.name;
}

const { root, clips, report } = await readScene(readFileSync(file));
const mixer = new AnimationMixer(root);
const actions = clips.map((clip) => mixer.clipAction(clip).play());
const bones = {};
root.traverse((node) => node.isBone && (bones[namedPath(node)] = { node, places: [] }));
for (const frame of frames.split(",")) {
  for (const action of actions) action.time = Number(frame) / Number(fps);
  mixer.update(0);
  root.updateMatrixWorld(true);
  for (const { node, places } of Object.values(bones)) places.push(node.getWorldPosition(new Vector3()).toArray());
}
process.stdout.write(
  JSON.stringify({
    clips: clips.map((clip) => ({ name: clip.name, seconds: clip.duration })),
    bones: Object.fromEntries(Object.entries(bones).map(([name, { places }]) => [name, places])),
    validator: report && {
      errors: report.numErrors,
      warnings: report.messages.filter((message) => message.severity === 1).map((message) => message.code),
    },
  }),
);
process.exit(0);
