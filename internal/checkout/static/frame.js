(() => {
if (parent === self) return;
const told = JSON.parse(document.querySelector("meta[name=sluice-frame]").content);
const tell = () => {
	const height = Math.ceil(document.body.getBoundingClientRect().height);
	for (const origin of told.origins) parent.postMessage({ type: "sluice.payment", id: told.id, state: told.state, shows: told.shows, height }, origin);
};
new ResizeObserver(tell).observe(document.body);
})();
