const list = document.querySelector("#open");
const form = document.querySelector("#new");

async function show() {
  const tickets = await (await fetch("/api/tickets")).json();
  list.replaceChildren(
    ...tickets.map(({ id, subject }) => {
      const item = document.createElement("li");
      const close = document.createElement("button");
      item.textContent = subject;
      close.textContent = "close";
      close.onclick = async () => {
        await fetch(`/api/tickets/${id}`, { method: "DELETE" });
        await show();
      };
      item.append(close);
      return item;
    }),
  );
}

form.onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ subject: new FormData(form).get("subject") });
  await fetch("/api/tickets", { method: "POST", body });
  form.reset();
  await show();
};

await show();
