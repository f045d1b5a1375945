(() => {
const at = document.getElementById("news");
const shown = at.dataset;
let timer;
const say = text => { if (at.textContent !== text) at.textContent = text; };
const later = seconds => { clearTimeout(timer); timer = setTimeout(look, seconds * 1000); };
const look = async () => {
	let after = 10;
	try {
		const answer = await fetch(shown.news, { cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
		if (answer.ok) {
			const news = await answer.json();
			if (news.shows !== shown.shows) { location.replace(shown.page); return; }
			say(news.says);
			after = news.after;
		}
	} catch { say(shown.offline); }
	later(after);
};
document.addEventListener("visibilitychange", () => { if (!document.hidden) later(0); });
later(Number(shown.after));
const left = document.getElementById("left");
if (left) {
	const end = performance.now() + left.dataset.seconds * 1000;
	const two = n => String(n).padStart(2, "0");
	const count = () => {
		const s = Math.max(0, Math.ceil((end - performance.now()) / 1000)), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
		left.textContent = left.dataset.text.replace("%s", (h ? h + ":" + two(m) : m) + ":" + two(s % 60));
		if (s > 0) setTimeout(count, 1000); else later(1);
	};
	count();
}
const copy = document.getElementById("copy");
if (copy && navigator.clipboard) {
	copy.hidden = false;
	copy.addEventListener("click", async () => {
		const text = document.getElementById("copied");
		try { await navigator.clipboard.writeText(text.value); copy.textContent = copy.dataset.done; } catch { text.select(); }
	});
}
})();
