package store

import "encoding/json"

// ofToday is a fact in its present form, also one that was kept when a payment's money was amounts beside currencies. What cannot
// be read stays as it is: whoever takes it up says what is wrong with it.
func ofToday(fact string) string {
	var parts map[string]json.RawMessage
	if json.Unmarshal([]byte(fact), &parts) != nil {
		return fact
	}
	for _, name := range []string{"Payment", "Deposit"} {
		if withSums(parts, name) != nil {
			return fact
		}
	}
	joined, err := json.Marshal(parts)
	if err != nil {
		return fact
	}
	return string(joined)
}

// withSums puts the amounts and currencies of an older payment together.
func withSums(parts map[string]json.RawMessage, name string) error {
	var p map[string]json.RawMessage
	if len(parts[name]) == 0 {
		return nil
	}
	if err := json.Unmarshal(parts[name], &p); err != nil || p == nil {
		return err
	}
	if _, is := p["Asked"]; is {
		return nil
	}
	p["Fee"] = sumOf(p, "Fee", "FeeCurrency")
	p["Asked"] = sumOf(p, "Amount", "Currency")
	var attempts []map[string]json.RawMessage
	if err := json.Unmarshal(p["Attempts"], &attempts); err != nil && len(p["Attempts"]) > 0 {
		return err
	}
	for _, a := range attempts {
		a["Sent"] = sumOf(a, "Amount", "Currency")
	}
	var err error
	if p["Attempts"], err = json.Marshal(attempts); err != nil {
		return err
	}
	parts[name], err = json.Marshal(p)
	return err
}

// sumOf takes an amount and its currency out of an object.
func sumOf(o map[string]json.RawMessage, amount, currency string) json.RawMessage {
	sum := map[string]json.RawMessage{}
	for to, from := range map[string]string{"Amount": amount, "Currency": currency} {
		if v, is := o[from]; is {
			sum[to] = v
			delete(o, from)
		}
	}
	text, err := json.Marshal(sum)
	if err != nil { // it was read as JSON
		panic(err)
	}
	return text
}
