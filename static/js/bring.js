// A notebook file that is dropped on the main page, or whose text is pasted into the box, is sent as
// if it had been chosen in its form.

const form = document.getElementById("begin-file");
const repo = document.getElementById("launch-form").elements.repo;

function bring(file) {
  const chosen = new DataTransfer();
  chosen.items.add(file);
  form.elements.notebook.files = chosen.files;
  form.requestSubmit();
}

function isNotebook(text) {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    const { cells, nbformat } = JSON.parse(text);
    return Array.isArray(cells) && Number.isInteger(nbformat);
  } catch {
    return false;
  }
}

if (form) {
  addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    // Else the browser would leave this page and show the file.
    event.preventDefault();
    bring(file);
  });
  repo.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!isNotebook(text)) return;
    event.preventDefault();
    bring(new File([text], "pasted.ipynb"));
  });
}
