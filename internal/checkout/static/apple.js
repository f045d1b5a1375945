(() => {
const at = document.getElementById("wallet");
const says = document.getElementById("wallet-says");
const button = at.querySelector("button");
const told = JSON.parse(at.dataset.told);
const form = at.closest("form");
const send = (to, name, value) => {
	const body = new URLSearchParams(new FormData(form));
	body.set(name, value);
	return fetch(to, { method: "POST", body, redirect: "manual", cache: "no-store", referrerPolicy: "no-referrer" });
};
let version = 0;
try { if (ApplePaySession.canMakePayments()) version = [14, 12, 9, 6, 3].find(v => ApplePaySession.supportsVersion(v)) || 0; } catch { /* there is none */ }
if (!version) { at.hidden = true; says.textContent = at.dataset.absent; return; }
const failed = () => { says.textContent = at.dataset.failed; };
const pay = () => {
	says.textContent = "";
	const lacks = [...form.querySelectorAll("[aria-required=true]")].find(field => !field.value.trim());
	if (lacks) { lacks.focus(); return; }
	let session;
	try { session = new ApplePaySession(version, told.request); } catch { failed(); return; }
	session.onvalidatemerchant = async e => {
		try {
			const answer = await send(told.session, "validationUrl", e.validationURL);
			if (!answer.ok) throw answer.status;
			session.completeMerchantValidation(await answer.json());
		} catch { session.abort(); failed(); }
	};
	session.onpaymentauthorized = async e => {
		const token = JSON.stringify(e.payment.token.paymentData);
		const end = good => session.completePayment({ status: good ? ApplePaySession.STATUS_SUCCESS : ApplePaySession.STATUS_FAILURE });
		try {
			const answer = await send(form.action, "wallet", token);
			if (answer.type !== "opaqueredirect") {
				end(false);
				form.elements.wallet.value = token;
				form.submit();
				return;
			}
			const news = await (await fetch(told.news, { cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" })).json();
			end(news.good);
		} catch { end(false); }
		location.replace(told.page);
	};
	session.begin();
};
button.hidden = false;
button.addEventListener("click", pay);
})();
