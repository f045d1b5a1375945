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
})();
