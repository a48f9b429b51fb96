(() => {
  "use strict";
  const open = (target) => {
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
  };
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) {
      open(target);
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", follow);
  follow();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  const button = document.getElementById("show");
  if (!button) return;
  const said = document.getElementById("shown");
  // The formatter's links to its own headings have a picture only.
  const name = () => {
    for (const link of document.querySelectorAll("#content a:not([aria-label])")) {
      if (!link.textContent.trim()) link.setAttribute("aria-label", `Link to ${link.hash}`);
    }
  };
  new MutationObserver(name).observe(document.getElementById("content"), {
    childList: true,
    subtree: true,
  });
  const unpack = async (id) => {
    const packed = atob(document.getElementById(id).textContent.trim());
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    addEventListener("error", (event) => {
      said.textContent = `The record could not be shown: ${event.message}`;
    });
    try {
      window.CUCUMBER_MESSAGES = JSON.parse(await unpack("packed-record"));
      const style = document.createElement("style");
      style.textContent = await unpack("packed-style");
      document.head.prepend(style);
      const script = document.createElement("script");
      script.textContent = await unpack("packed-script");
      said.textContent = "The record is shown below.";
      button.hidden = true;
      document.body.append(script);
    } catch (error) {
      button.disabled = false;
      said.textContent = `This browser cannot show it: ${error}`;
    }
  });
})();
