const list = document.querySelector("#choices");

async function show() {
  const counted = await (await fetch("/api/polls")).json();
  list.replaceChildren(
    ...Object.entries(counted).map(([choice, number]) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.textContent = `${choice}: ${number}`;
      button.onclick = async () => {
        const headers = { "content-type": "application/json" };
        await fetch("/api/polls", { method: "POST", headers, body: JSON.stringify({ choice }) });
        await show();
      };
      item.append(button);
      return item;
    }),
  );
}

await show();
