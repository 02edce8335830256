// With scripts, the text comes without a new page; without them the form does the same.
"use strict";
const form = document.querySelector("form");
const button = form.querySelector("button");
const text = document.getElementById("text");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = Object.fromEntries(new FormData(form));
  button.disabled = true;
  button.textContent = "Writing …";
  problem.hidden = true;
  try {
    const answer = await fetch("/generate", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : "That cannot be asked.");
    text.textContent = said.text || "The model had nothing to say.";
    text.classList.toggle("empty", !said.text);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    button.disabled = false;
    button.textContent = "Write it";
  }
});
