package checkout

import (
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/money"
)

// figures are how amounts are written in one language and country. They are facts of CLDR 48 about money, which differ from those
// about other numbers in some countries. Digits are those of ASCII everywhere: cards bear them, banks' apps show them, and what a
// customer compares should look the same; in Arabic too, where CLDR has them in half of the countries.
type figures struct {
	group, point string
	least        int    // digits before the first mark of thousands that there have to be: 1234 but 12.345 where it is 2
	pairs        bool   // groups of two above the first thousand
	after        bool   // the unit stands after the number
	apart        bool   // a blank keeps a sign before the number from it
	mark         string // before all, so that the unit stands on the side on which people expect it
}

const (
	noBreak     = "\u00a0"
	thinNoBreak = "\u202f"
	apostrophe  = "’"
	rightToLeft = "\u200f"
	leftToRight = "\u200e"
)

// figuresByLocale has an entry for every language of tongues, and for countries that write amounts in another way.
var figuresByLocale = func() map[string]figures {
	english := figures{group: ",", point: ".", least: 1}
	latin := figures{group: ".", point: ",", least: 1, apart: true}
	swiss := figures{group: apostrophe, point: ".", least: 1, apart: true}
	russian := figures{group: noBreak, point: ",", least: 1, after: true}
	all := map[string]figures{
		"en": english, "en-IN": {group: ",", point: ".", least: 1, pairs: true}, "en-ZA": {group: noBreak, point: ",", least: 1},
		"de": {group: ".", point: ",", least: 1, after: true}, "de-AT": latin, "de-LI": swiss, "de-CH": swiss,
		"es": {group: ".", point: ",", least: 2, after: true}, "es-CR": {group: noBreak, point: ",", least: 1},
		"fr": {group: thinNoBreak, point: ",", least: 1, after: true}, "fr-CA": russian,
		"fr-CH": {group: thinNoBreak, point: ".", least: 1, after: true},
		"it":    {group: ".", point: ",", least: 2, after: true}, "it-CH": swiss,
		"pl":    {group: noBreak, point: ",", least: 2, after: true},
		"pt-BR": latin, "pt-PT": {group: noBreak, point: ",", least: 2, after: true},
		"ru": russian, "uk": russian, "tr": {group: ".", point: ",", least: 1},
		"ar": {group: ",", point: ".", least: 1, after: true, mark: rightToLeft}, "zh": english,
	}
	for country := range strings.FieldsSeq("419 CU DO GT HN MX NI PA PE PR SV US") {
		all["es-"+country] = english
	}
	for country := range strings.FieldsSeq("AR BO CL CO EC PY UY VE") {
		all["es-"+country] = latin
	}
	for country := range strings.FieldsSeq("DZ LB LY MA MR TN") {
		all["ar-"+country] = figures{group: ".", point: ",", least: 1, after: true, mark: rightToLeft}
	}
	return all
}()

// figuresOf returns those of a language of ours, as the country writes them.
func figuresOf(lang, country string) figures {
	base, _, _ := strings.Cut(lang, "-")
	if f, ok := figuresByLocale[base+"-"+country]; ok {
		return f
	}
	return figuresByLocale[lang]
}

// signs are those of one currency and no other, wherever they are read. Dollars say whose they are, as do yen and yuan.
var signs = map[money.Currency]string{
	"AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "HKD": "HK$", "ILS": "₪", "INR": "₹", "JPY": "JP¥",
	"KRW": "₩", "KZT": "₸", "MXN": "MX$", "NZD": "NZ$", "RUB": "₽", "TRY": "₺", "TWD": "NT$", "UAH": "₴", "USD": "US$", "VND": "₫",
}

// ownSigns are those that only the customers of a language know as the currency's.
var ownSigns = map[string]map[money.Currency]string{
	"pl": {"PLN": "zł"},
	"zh": {"CNY": "¥"},
	"ar": {
		"AED": "د.إ." + rightToLeft, "BHD": "د.ب." + rightToLeft, "EGP": "ج.م." + rightToLeft, "KWD": "د.ك." + rightToLeft,
		"OMR": "ر.ع." + rightToLeft, "QAR": "ر.ق." + rightToLeft, "SAR": "ر.س." + rightToLeft,
	},
}

// sign is that of a currency, or empty where its code is shorter than saying which one is meant. Among what is written from right to
// left one of letters and a mark says that it is not: US$ would read $US.
func (w *words) sign(c money.Currency) string {
	if own := ownSigns[w.Lang][c]; own != "" {
		return own
	}
	if s := signs[c]; w.figures.mark == "" || s == "" || s[0] >= utf8.RuneSelf {
		return s
	}
	return signs[c] + leftToRight
}

// price is an amount as pages show it large. Before and After are the code of a currency that has no sign; else the sign is part of
// the figure.
type price struct{ Before, Figure, After string }

// Long reports that the amount needs smaller letters to stand on one line.
func (p *price) Long() bool { return utf8.RuneCountInString(p.Before+p.Figure+p.After) > 12 }

// price writes an amount in the customer's way.
func (w *words) price(a money.Amount, c money.Currency) *price {
	p := &price{Figure: formatAmount(a, c, w)}
	f := w.figures
	switch sign := w.sign(c); {
	case sign != "" && f.after:
		p.Figure += noBreak + sign
	case sign != "" && f.apart:
		p.Figure = sign + noBreak + p.Figure
	case sign != "":
		p.Figure = sign + p.Figure
	case f.after:
		p.After = string(c)
	default:
		p.Before = string(c)
	}
	p.Figure = f.mark + p.Figure
	return p
}

// amount is price in one piece, for texts.
func (w *words) amount(a money.Amount, c money.Currency) string {
	p := w.price(a, c)
	switch {
	case p.Before != "":
		return p.Before + noBreak + p.Figure
	case p.After != "":
		return p.Figure + noBreak + p.After
	}
	return p.Figure
}
