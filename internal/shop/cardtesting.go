package shop

import "fmt"

// MostCardTesting is the highest that a limit of CardTesting may be.
const MostCardTesting = 50

// CardTesting is what a shop does against strangers who try numbers of cards on its payments, see package velocity. A
// try beyond a limit is refused for a time and changes nothing of its payment. A limit of 0 switches its rule off.
type CardTesting struct {
	On                  bool `json:"on"`
	CardDeclines        int  `json:"cardDeclines"`        // of one card in 24 hours; it is refused for 24 hours then
	CardAddressDeclines int  `json:"cardAddressDeclines"` // of one card from one address in an hour
	AddressDeclines     int  `json:"addressDeclines"`     // from one address in an hour; it is refused for an hour then
	AddressCards        int  `json:"addressCards"`        // that were tried from one address in an hour
	BINCards            int  `json:"binCards"`            // declined, of one range of eight digits in 10 minutes; it is refused for 10 minutes then. Four tries under way weigh as one
	AlarmRate           int  `json:"alarmRate"`           // share of declines in percent of which a human is told; nothing is refused for it
	AlarmFrom           int  `json:"alarmFrom"`           // fewest outcomes in 10 minutes of which the share is taken
}

func defaultCardTesting(live bool) CardTesting {
	return CardTesting{
		On: live, CardDeclines: 5, CardAddressDeclines: 3, AddressDeclines: 10, AddressCards: 10,
		BINCards: 8, AlarmRate: 60, AlarmFrom: 50,
	}
}

func (c *CardTesting) check() []error {
	var faults []error
	for _, l := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"cardDeclines", c.CardDeclines, 0, MostCardTesting}, {"cardAddressDeclines", c.CardAddressDeclines, 0, MostCardTesting},
		{"addressDeclines", c.AddressDeclines, 0, MostCardTesting}, {"addressCards", c.AddressCards, 0, MostCardTesting},
		{"binCards", c.BINCards, 0, MostCardTesting},
		{"alarmRate", c.AlarmRate, 0, 100}, {"alarmFrom", c.AlarmFrom, 1, 1_000_000},
	} {
		if l.value < l.least || l.value > l.most {
			faults = append(faults, fmt.Errorf("cardTesting.%s: %d is not between %d and %d", l.name, l.value, l.least, l.most))
		}
	}
	return faults
}
