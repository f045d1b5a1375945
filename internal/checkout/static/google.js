(() => {
const at = document.getElementById("wallet");
const says = document.getElementById("wallet-says");
const told = JSON.parse(at.dataset.told);
const form = at.closest("form");
const asks = { apiVersion: told.request.apiVersion, apiVersionMinor: told.request.apiVersionMinor, allowedPaymentMethods: told.request.allowedPaymentMethods };
let begun = false;
const absent = () => { at.hidden = true; says.textContent = at.dataset.absent; };
const start = async () => {
	if (begun) return;
	begun = true;
	try {
		const client = new google.payments.api.PaymentsClient({ environment: told.environment, nonce: told.nonce });
		if (!(await client.isReadyToPay(asks)).result) { absent(); return; }
		const pay = async () => {
			says.textContent = "";
			const lacks = [...form.querySelectorAll("[aria-required=true]")].find(field => !field.value.trim());
			if (lacks) { lacks.focus(); return; }
			try {
				const paid = await client.loadPaymentData(told.request);
				form.elements.wallet.value = paid.paymentMethodData.tokenizationData.token;
			} catch (e) {
				if (!e || e.statusCode !== "CANCELED") says.textContent = at.dataset.failed;
				return;
			}
			at.hidden = true;
			says.textContent = at.dataset.working;
			form.requestSubmit();
		};
		at.append(client.createButton({
			onClick: pay, buttonType: "pay", buttonSizeMode: "fill", buttonRadius: 12, buttonLocale: told.language,
			buttonColor: matchMedia("(prefers-color-scheme: dark)").matches ? "white" : "black", allowedPaymentMethods: asks.allowedPaymentMethods,
		}));
	} catch { absent(); }
};
const theirs = e => e.target.tagName === "SCRIPT" && e.target.src;
document.addEventListener("load", e => { if (theirs(e)) start(); }, true);
document.addEventListener("error", e => { if (theirs(e)) absent(); }, true);
addEventListener("pageshow", e => { if (e.persisted) location.reload(); });
})();
