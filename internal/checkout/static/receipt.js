(() => {
const at = document.getElementById("at");
const when = new Date(at.dateTime);
try {
	at.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
		year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short", numberingSystem: "latn",
	}).format(when);
} catch { /* what the server wrote stays */ }
const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => { stop(); print(); });
})();
