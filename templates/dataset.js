"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const spelled = (text) => text.normalize("NFKC").toLowerCase();
  const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

  const search = byId("search");
  const selects = ["concept", "bucket", "code"].map(byId).filter(Boolean);
  const onlyChanged = byId("only-changed");
  const groups = all(".group").map((element) => ({ element, tally: element.querySelector("[data-tally]"), cards: [] }));
  const cards = groups.flatMap((group) =>
    all(".card", group.element).map((element) => {
      const field = element.querySelector("textarea");
      const card = {
        element,
        field,
        bucket: element.dataset.bucket,
        concept: element.dataset.concept,
        codes: new Set(element.dataset.codes.split(" ").filter(Boolean)),
        terms: new Set(element.dataset.terms.split(" ")),
        name: element.querySelector("h3").textContent,
        marks: all(".edited, .undo", element),
      };
      group.cards.push(card);
      return card;
    }),
  );
  const sharing = new Map(); // key -> the cards that share the caption
  for (const card of cards) {
    const { key } = card.field.dataset;
    sharing.set(key, [...(sharing.get(key) || []), card]);
  }
  const cardOf = new Map(cards.map((card) => [card.field, card]));

  // ---- What is shown

  const chosen = new Set(); // numbers of terms

  const fits = (card, words, wanted) =>
    words.every((word) => card.searched.includes(word)) &&
    (!wanted.concept || card.concept === wanted.concept) &&
    (!wanted.bucket || card.bucket === wanted.bucket) &&
    (!wanted.code || (wanted.code === "*" ? card.codes.size > 0 : card.codes.has(wanted.code))) &&
    [...chosen].every((term) => card.terms.has(term)) &&
    (onlyChanged.getAttribute("aria-pressed") === "false" || isChanged(card));

  const show = () => {
    const words = spelled(search.value).split(/\s+/).filter(Boolean);
    const wanted = Object.fromEntries(selects.map((select) => [select.id, select.value]));
    let total = 0;
    for (const group of groups) {
      let here = 0;
      for (const card of group.cards) {
        const shown = fits(card, words, wanted);
        card.element.hidden = !shown;
        here += shown;
      }
      group.element.hidden = here === 0;
      group.tally.textContent =
        here === group.cards.length ? counted(here, "image") : `${here} of ${counted(group.cards.length, "image")}`;
      total += here;
    }
    const filtered = total < cards.length;
    byId("shown").textContent = filtered ? `${total} of ${counted(cards.length, "image")}` : counted(total, "image");
    byId("reset").hidden = !filtered && !words.length;
    byId("nothing").hidden = total > 0;
  };

  const choose = (term, on) => {
    chosen[on ? "add" : "delete"](term);
    for (const button of all(`[data-term="${term}"]`)) button.setAttribute("aria-pressed", on);
    byId("chosen").replaceChildren(
      ...[...chosen].map((number) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        const text = document.querySelector(`.term[data-term="${number}"] span`).textContent;
        button.type = "button";
        button.className = "chip";
        button.textContent = text;
        button.setAttribute("aria-label", `No longer only: ${text}`);
        button.addEventListener("click", () => choose(number, false));
        item.append(button);
        return item;
      }),
    );
    show();
  };

  const reset = () => {
    search.value = "";
    for (const select of selects) select.value = "";
    for (const term of [...chosen]) choose(term, false);
    onlyChanged.setAttribute("aria-pressed", "false");
    show();
  };

  const showOnly = (id, value) => {
    reset();
    byId(id).value = value;
    show();
    byId("images").scrollIntoView();
    byId("images").focus({ preventScroll: true });
  };

  // ---- What is changed

  const saves = new Map(); // key -> the texts that were saved: one of them may be in the dataset by now

  const differs = (card) => card.field.value !== card.field.defaultValue;
  // What was saved and undone is written back, but for a caption that had no file.
  const isChanged = (card) => differs(card) || (saves.has(card.field.dataset.key) && !("new" in card.field.dataset));

  const mark = (card) => {
    const changed = differs(card);
    card.element.classList.toggle("is-changed", changed);
    for (const element of card.marks) element.hidden = !changed;
    card.searched = spelled(`${card.field.value}\n${card.name}`);
  };

  const edits = () => {
    const found = {};
    for (const [key, held] of sharing) {
      const [card] = held;
      if (!isChanged(card)) continue;
      const images = held.map((one) => one.field.dataset.image);
      const { end } = card.field.dataset;
      const old = "new" in card.field.dataset ? null : card.field.defaultValue + end;
      const now = card.field.value + end;
      const before = [...(saves.get(key) || [])].filter((text) => text !== now);
      found[key] = { images, old, new: now, ...(before.length && { saved: before }) };
    }
    return found;
  };

  // By the second, in local time: a browser that finds the name taken would choose another, which nobody is told.
  const names = new Set();
  const newName = () => {
    const now = new Date();
    const local = new Date(now - now.getTimezoneOffset() * 60000).toISOString();
    const stamp = local.slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
    let name = `captions-${stamp}.json`;
    for (let number = 2; names.has(name); number++) name = `captions-${stamp}-${number}.json`;
    names.add(name);
    return name;
  };

  let saved = "{}";
  let unsaved = false;

  const tell = () => {
    const found = edits();
    const number = Object.keys(found).length;
    const now = JSON.stringify(found);
    unsaved = number > 0 && now !== saved;
    byId("changes").hidden = number === 0;
    byId("changed").textContent = `${counted(number, "caption")} changed${number && !unsaved ? ", saved" : ""}`;
    byId("next").hidden = unsaved || number === 0;
    if (number === 0 && onlyChanged.getAttribute("aria-pressed") === "true") toggleChanged();
  };

  const write = (card, text) => {
    for (const one of sharing.get(card.field.dataset.key)) {
      if (one.field.value !== text) one.field.value = text;
      mark(one);
    }
  };

  const toggleChanged = () => {
    const on = onlyChanged.getAttribute("aria-pressed") === "false";
    onlyChanged.setAttribute("aria-pressed", on);
    show();
  };

  const save = () => {
    const found = edits();
    const file = { ...JSON.parse(byId("saved-as").textContent), edits: found };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.download = newName();
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    byId("file").textContent = link.download;
    for (const [key, edit] of Object.entries(found)) saves.set(key, new Set([...(saves.get(key) || []), edit.new]));
    saved = JSON.stringify(edits());
    tell();
  };

  const undoAll = () => {
    const number = Object.keys(edits()).length;
    if (!confirm(`Undo the changes of ${counted(number, "caption")}?`)) return;
    for (const [card] of sharing.values()) write(card, card.field.defaultValue);
    tell();
    show();
  };

  // ---- What is done

  let waiting = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(show);
  });
  for (const select of selects) select.addEventListener("change", show);
  document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".tools").addEventListener("reset", (event) => {
    event.preventDefault();
    reset();
  });
  document.addEventListener("input", ({ target }) => {
    const card = cardOf.get(target);
    if (!card) return;
    write(card, target.value);
    tell();
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const { term, showCode, showBucket } = button.dataset;
    if (term !== undefined) choose(term, !chosen.has(term));
    else if (showCode) showOnly("code", showCode);
    else if (showBucket) showOnly("bucket", showBucket);
    else if ("reset" in button.dataset) reset();
    else if (button.classList.contains("undo")) {
      const { field } = cards.find((card) => card.marks.includes(button));
      write(cardOf.get(field), field.defaultValue);
      field.focus();
      tell();
    }
  });
  document.addEventListener("keydown", (event) => {
    const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && unsaved) {
      event.preventDefault();
      save();
    }
  });
  onlyChanged.addEventListener("click", toggleChanged);
  byId("undo-all").addEventListener("click", undoAll);
  byId("save").addEventListener("click", save);
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  // On a narrow screen the images come first.
  if (matchMedia("(max-width: 60rem)").matches) for (const part of all("aside > details")) part.open = false;

  // A reload gives back what was typed.
  const begin = () => {
    cards.forEach(mark);
    tell();
    show();
  };
  begin();
  addEventListener("pageshow", begin);
})();
