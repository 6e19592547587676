const filter = document.getElementById("filter"), shown = document.getElementById("shown");
const choices = Array.from(filter.querySelectorAll("select"));
const keys = Array.from(document.querySelectorAll(".keys tbody.key"), row => ({ row, text: row.textContent.toLowerCase() }));

function show() {
  const words = filter.text.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const { row, text } of keys) {
    row.hidden = !(words.every(word => text.includes(word)) && choices.every(choice => choice.value === "" || row.dataset[choice.name] === choice.value));
    if (!row.hidden) count += 1;
  }
  shown.textContent = `${count} of ${keys.length} shown`;
}

filter.addEventListener("input", show);
filter.addEventListener("submit", event => event.preventDefault());
// What to do is printed whole; of the keys, the evidence that the reader has opened.
addEventListener("beforeprint", () => document.querySelectorAll(".findings").forEach(details => { details.open = true; }));
filter.hidden = false;
show();
