// SPDX-License-Identifier: Apache-2.0
'use strict';

const TEXTS = {
  en: {
    model: 'Model', hint: 'Take a photo or choose one.', camera: 'Camera', shoot: 'Take photo', choose: 'Choose photo', analyse: 'Analyse',
    settings: 'Settings', key: 'API key', working: 'Looking …', nothing: 'Nothing was found.', noCamera: 'This page may not use the camera (it needs HTTPS). Choose a photo instead.',
    denied: 'The camera is not available: ', unreachable: 'The server does not answer.', took: ms => `${Math.round(ms)} ms`,
    detail: t => `decode ${Math.round(t.decode)}, run ${Math.round(t.run)} ms`,
  },
  ko: {
    model: '모델', hint: '사진을 찍거나 고르세요.', camera: '카메라', shoot: '찍기', choose: '사진 고르기', analyse: '분석',
    settings: '설정', key: 'API 키', working: '보는 중 …', nothing: '찾은 것이 없습니다.', noCamera: '이 페이지는 카메라를 쓸 수 없습니다(HTTPS 필요). 사진을 골라 주세요.',
    denied: '카메라를 쓸 수 없습니다: ', unreachable: '서버가 응답하지 않습니다.', took: ms => `${Math.round(ms)} ms`,
    detail: t => `디코딩 ${Math.round(t.decode)}, 실행 ${Math.round(t.run)} ms`,
  },
};
const language = navigator.language.startsWith('ko') ? 'ko' : 'en';
const text = TEXTS[language];
const $ = id => document.getElementById(id);
const canvas = $('canvas'), video = $('video');
let models = [], photo = null, picture = null, stream = null;

document.documentElement.lang = language;
for (const element of document.querySelectorAll('[data-text]')) element.textContent = text[element.dataset.text];

function say(message, bad) {
  $('status').textContent = message;
  $('status').className = bad ? 'bad' : '';
}

function headers() {
  return $('key').value ? {'X-API-Key': $('key').value} : {};
}

async function answerOf(response) {
  let json = {};
  try { json = await response.json(); } catch (e) { /* not JSON: the status says enough */ }
  if (!response.ok) throw new Error(json.error || `HTTP ${response.status}`);
  return json;
}

async function listModels() {
  const chosen = $('model').value;
  models = (await answerOf(await fetch('/v1/models', {headers: headers()}))).models.filter(m => m.task);
  $('model').replaceChildren(...models.map(m => new Option(`${m.name} (${m.task})`, m.name)));
  const first = models.find(m => m.name === chosen) || models.find(m => m.default) || models[0];
  if (first) $('model').value = first.name;
}

function stopCamera() {
  if (stream) for (const track of stream.getTracks()) track.stop();
  stream = null;
  video.hidden = $('shoot').hidden = true;
  $('camera').hidden = false;
}

async function openCamera() {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    say(text.noCamera, true);
    $('file').click();
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: {ideal: 'environment'}, width: {ideal: 1920}}, audio: false});
  } catch (e) {
    say(text.denied + e.message, true);
    return;
  }
  video.srcObject = stream;
  await video.play();
  canvas.hidden = $('hint').hidden = $('camera').hidden = true;
  video.hidden = $('shoot').hidden = false;
  say('');
}

async function show(blob) {
  try {
    picture = await createImageBitmap(blob);
  } catch (e) {
    say(e.message, true);
    return;
  }
  photo = blob;
  $('hint').hidden = true;
  canvas.hidden = false;
  draw();
  $('results').replaceChildren();
  say('');
  $('analyse').disabled = false;
}

// The photo at a size that suits the screen; answers are in pixels of the photo.
function draw() {
  const scale = Math.min(1, 1280 / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.width / picture.width;
}

function colour(index) {
  return `hsl(${(index * 137.5 + 25) % 360} 85% 48%)`;
}

function addRow(label, value, share, swatch) {
  const row = document.createElement('li'), name = document.createElement('span'), number = document.createElement('span');
  if (share !== null) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    bar.setAttribute('width', `${Math.max(0, Math.min(100, share * 100))}%`);
    bar.setAttribute('height', '100%');
    svg.append(bar);
    row.append(svg);
  }
  name.textContent = label;
  if (swatch !== undefined) {
    const mark = document.createElement('span');
    mark.className = 'swatch';
    mark.style.background = swatch;
    name.prepend(mark);
  }
  number.textContent = value;
  row.append(name, number);
  $('results').append(row);
}

function showBoxes(boxes, zoom) {
  const pen = canvas.getContext('2d'), size = Math.max(12, canvas.width / 36);
  pen.lineWidth = Math.max(2, canvas.width / 240);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const counts = new Map();
  for (const box of boxes) {
    const x = box.x0 * zoom, y = box.y0 * zoom, label = `${box.label} ${Math.round(box.score * 100)} %`;
    pen.strokeStyle = pen.fillStyle = colour(box.class);
    pen.strokeRect(x, y, (box.x1 - box.x0) * zoom, (box.y1 - box.y0) * zoom);
    const top = Math.max(0, y - size * 1.35);
    pen.fillRect(x, top, pen.measureText(label).width + size * .6, size * 1.35);
    pen.fillStyle = '#fff';
    pen.fillText(label, x + size * .3, top + size);
    counts.set(box.class, {label: box.label, count: (counts.get(box.class) || {count: 0}).count + 1});
  }
  for (const [index, found] of counts) addRow(found.label, `${found.count} ×`, null, colour(index));
}

async function showMask(answer) {
  const bytes = Uint8Array.from(atob(answer.mask_png), c => c.charCodeAt(0));
  const mask = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const layer = document.createElement('canvas');
  layer.width = canvas.width;
  layer.height = canvas.height;
  const pen = layer.getContext('2d');
  pen.imageSmoothingEnabled = false;
  pen.drawImage(mask, 0, 0, layer.width, layer.height);
  const pixels = pen.getImageData(0, 0, layer.width, layer.height), counts = new Map(), tints = new Map();
  for (let i = 0; i < pixels.data.length; i += 4) {
    const index = pixels.data[i];
    counts.set(index, (counts.get(index) || 0) + 1);
    if (!tints.has(index)) {
      pen.fillStyle = colour(index);
      pen.fillRect(0, 0, 1, 1);
      tints.set(index, pen.getImageData(0, 0, 1, 1).data);
    }
    const tint = tints.get(index);
    pixels.data.set([tint[0], tint[1], tint[2], index === 0 ? 0 : 110], i);
  }
  pen.putImageData(pixels, 0, 0);
  canvas.getContext('2d').drawImage(layer, 0, 0);
  const all = layer.width * layer.height;
  for (const [index, count] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12)) {
    addRow(answer.labels[index] || `class ${index}`, `${(100 * count / all).toFixed(1)} %`, count / all, index === 0 ? 'transparent' : colour(index));
  }
}

async function analyse() {
  const model = models.find(m => m.name === $('model').value);
  if (!photo || !model) return;
  $('analyse').disabled = true;
  say(text.working);
  const start = performance.now();
  try {
    const response = await fetch(`/v1/${model.task}?model=${encodeURIComponent(model.name)}`, {
      method: 'POST', body: photo, headers: {...headers(), 'Content-Type': photo.type || 'application/octet-stream'},
    });
    const answer = await answerOf(response), ms = performance.now() - start, zoom = draw();
    $('results').replaceChildren();
    for (const c of answer.classes || []) addRow(c.label, `${(100 * c.score).toFixed(1)} %`, c.score);
    if (answer.boxes) showBoxes(answer.boxes, zoom);
    if (answer.mask_png) await showMask(answer);
    const empty = !$('results').children.length;
    say((empty ? text.nothing + ' ' : '') + text.took(ms) + (answer.timing_ms ? ` (${text.detail(answer.timing_ms)})` : ''));
  } catch (e) {
    say(e instanceof TypeError ? text.unreachable : e.message, true);
  }
  $('analyse').disabled = false;
}

$('camera').addEventListener('click', openCamera);
$('shoot').addEventListener('click', () => {
  const still = document.createElement('canvas');
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d').drawImage(video, 0, 0);
  stopCamera();
  still.toBlob(show, 'image/jpeg', 0.92);
});
$('file').addEventListener('change', () => {
  stopCamera();
  if ($('file').files.length) show($('file').files[0]);
});
$('analyse').addEventListener('click', analyse);
$('key').value = localStorage.getItem('key') || '';
$('key').addEventListener('change', () => {
  localStorage.setItem('key', $('key').value);
  start();
});

function start() {
  listModels().then(() => say(''), e => say(e instanceof TypeError ? text.unreachable : e.message, true));
}
start();
