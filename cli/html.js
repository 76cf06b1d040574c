// html.js: what a mark says (its <title>) is shown where the pointer or the keyboard is; arrows go from mark to mark within a
// picture; folded tables are printed open; the numbers can be saved. Without any of it the page still tells everything.
"use strict";
(function () {
    var tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    tip.setAttribute("aria-hidden", "true");                    // the label of the mark says the same
    document.body.appendChild(tip);

    // A title of its own would be shown by the browser as well.
    document.querySelectorAll("svg > title, .mark > title").forEach(function (title) {
        title.parentNode.setAttribute("aria-label", title.textContent);
        title.remove();
    });

    function show(mark, x, y) {
        tip.textContent = mark.getAttribute("aria-label");
        tip.hidden = false;
        var page = document.documentElement, wide = tip.offsetWidth, high = tip.offsetHeight;
        var left = Math.max(12, Math.min(x + 14, page.clientWidth - wide - 12));
        var above = y - high - 14, top = above > 8 ? above : y + 20;
        tip.style.left = left + window.scrollX + "px";
        tip.style.top = top + window.scrollY + "px";
    }
    function hide() { tip.hidden = true; }
    function markOf(event) { return event.target.closest ? event.target.closest(".mark") : null; }

    document.addEventListener("pointermove", function (event) {
        var mark = markOf(event);
        if (mark) show(mark, event.clientX, event.clientY);
        else if (!document.activeElement.matches(".mark:focus-visible")) hide();
    });
    document.addEventListener("pointerleave", hide);
    document.addEventListener("focusin", function (event) {
        var mark = markOf(event);
        if (!mark || !mark.matches(":focus-visible")) return;
        var box = mark.getBoundingClientRect();
        show(mark, box.left + box.width / 2, box.top);
    });
    document.addEventListener("focusout", hide);

    var moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    document.addEventListener("keydown", function (event) {
        if (event.key === "Escape") { hide(); return; }
        var mark = markOf(event);
        if (!mark) return;
        var picture = mark.closest(".picture, .bar"), all = Array.from(picture.querySelectorAll(".mark")), at = all.indexOf(mark);
        if (event.key === "Home") at = 0;
        else if (event.key === "End") at = all.length - 1;
        else if (moves[event.key]) at = Math.max(0, Math.min(all.length - 1, at + moves[event.key]));
        else return;
        event.preventDefault();
        mark.tabIndex = -1;
        all[at].tabIndex = 0;
        all[at].focus();
    });

    // Words that their module has no room for.
    function fit() {
        document.querySelectorAll(".mark svg text").forEach(function (text) {
            text.style.visibility = "";
            var room = text.parentNode.querySelector("rect").getBoundingClientRect(), words = text.getBoundingClientRect();
            if (words.width > 0 && words.right > room.right) text.style.visibility = "hidden";
        });
    }
    window.addEventListener("resize", fit);
    document.addEventListener("change", fit);                   // another quantity of a tree
    fit();

    var opened = [];
    window.addEventListener("beforeprint", function () {
        opened = Array.from(document.querySelectorAll("details:not([open])"));
        opened.forEach(function (details) { details.open = true; });
    });
    window.addEventListener("afterprint", function () { opened.forEach(function (details) { details.open = false; }); });

    var numbers = document.getElementById("numbers").textContent, save = document.getElementById("save");
    JSON.parse(numbers);                                        // a page that lies about its numbers says so in the console
    save.hidden = false;
    save.addEventListener("click", function () {
        var link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([numbers], { type: "application/json" }));
        link.download = "numbers.json";
        link.click();
        URL.revokeObjectURL(link.href);
    });
}());
