// The one thing of a browser that the till's words ask for. Imported before them.
if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: { language: "fr-FR" } });
