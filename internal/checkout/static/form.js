(() => {
const pay = document.querySelector("form.pay");
const button = pay && pay.querySelector("button.primary");
let sent = false;
if (button) {
	const text = button.querySelector("span");
	const named = text.textContent;
	pay.addEventListener("submit", event => {
		if (sent) { event.preventDefault(); return; }
		sent = true;
		if (event.submitter && event.submitter.classList.contains("change")) return;
		button.classList.add("working");
		button.setAttribute("aria-busy", "true");
		text.textContent = button.dataset.working;
	});
	addEventListener("pageshow", event => {
		if (!event.persisted) return;
		sent = false;
		button.classList.remove("working");
		button.removeAttribute("aria-busy");
		text.textContent = named;
	});
}
const has = { google: isSecureContext };
try { has.apple = ApplePaySession.canMakePayments(); } catch { has.apple = false; }
for (const way of document.querySelectorAll("[data-needs]")) way.hidden = !has[way.dataset.needs];
const number = document.getElementById("number");
if (number) number.addEventListener("input", event => {
	const typed = number.value;
	if (!/^\d$/.test(event.data) || number.selectionStart !== typed.length || !/^[\d ]+$/.test(typed)) return;
	const digits = typed.replaceAll(" ", "");
	const ends = /^3[47]/.test(digits) ? [4, 10] : /^3[0689]/.test(digits) ? [4, 10] : [4, 8, 12, 16];
	if (ends.includes(digits.length - 1) && typed.at(-2) !== " ") number.value = typed.slice(0, -1) + " " + event.data;
});
const lasts = document.getElementById("lasts");
if (lasts) {
	const soon = document.getElementById("soon");
	const steps = JSON.parse(lasts.dataset.steps);
	const end = performance.now() + Number(lasts.dataset.left) * 1000;
	const look = () => {
		const left = (end - performance.now()) / 1000;
		if (left < -2 && !sent) { location.replace(lasts.dataset.page); return; }
		const step = steps.find(([minutes]) => left <= minutes * 60);
		if (step && step[1] !== lasts.textContent) {
			lasts.textContent = step[1];
			if (step[0] === 5 || step[0] === 1) soon.textContent = step[1];
		}
	};
	setInterval(look, 1000);
	document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}
})();
