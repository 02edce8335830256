// Dropping a picture is the same as choosing it; without this script the form works as it is.
"use strict";
const form = document.getElementById("upload");
const input = document.getElementById("picture");
form.classList.add("takes-drops");

const over = (on) => (event) => {
  event.preventDefault();
  form.classList.toggle("over", on);
};
for (const name of ["dragenter", "dragover"]) form.addEventListener(name, over(true));
for (const name of ["dragleave", "drop"]) form.addEventListener(name, over(false));

form.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) {
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  }
});
input.addEventListener("change", () => input.files.length && form.requestSubmit());
