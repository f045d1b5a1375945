package pix

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// noticeHeader is where the proxy says that it has checked who posts.
const noticeHeader = "X-Notice-Token"

var errNotice = errors.New("not a notice of the bank")

// ParseNotice takes what the bank posts. Its notices are not signed: banks prove by their certificate that it is they, to the proxy before us,
// which says so by the token. So what a notice says is a hint, and the bank is asked. The token is taken out of the header, because headers are
// kept with notices.
func (p *Pix) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if p.c.NoticeToken == "" {
		return nil, fmt.Errorf("%w: the terminal has no noticeToken", errNotice)
	}
	if subtle.ConstantTimeCompare([]byte(header.Get(noticeHeader)), []byte(p.c.NoticeToken)) != 1 {
		return nil, fmt.Errorf("%w: it did not come through the proxy", errNotice)
	}
	header.Del(noticeHeader)
	notices, err := readNotice(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return notices, nil
}

// ReadNotice reads a notice that was taken when it came.
func (p *Pix) ReadNotice(body []byte, key string) (connector.Notice, error) {
	notices, err := readNotice(body)
	if err != nil {
		return connector.Notice{}, err
	}
	i := slices.IndexFunc(notices, func(n connector.Notice) bool { return n.EventKey == key })
	if key == "" && len(notices) == 1 {
		i = 0
	}
	if i < 0 {
		return connector.Notice{}, fmt.Errorf("%w: it is not %s", errNotice, key)
	}
	return notices[i], nil
}

// readNotice reads which charges and returns of ours a notice is about, several in one as banks group them. Of Pix that were not made by us it
// tells nothing, and of money that the scheme takes back for fraud or a fault it tells a dispute.
func readNotice(body []byte) ([]connector.Notice, error) {
	var told struct {
		Pix []received `json:"pix"`
	}
	if err := provider.Read(body, &told); err != nil || told.Pix == nil {
		return nil, fmt.Errorf("%w: no list of Pix in %d bytes", errNotice, len(body))
	}
	var notices []connector.Notice
	for i := range told.Pix {
		one := &told.Pix[i]
		if !isScheme(one.E2E) {
			return nil, fmt.Errorf("%w: a Pix without its id", errNotice)
		}
		key, ours := provider.LongKey(one.TxID)
		if !ours {
			continue
		}
		fact, err := paid(&cob{TxID: one.TxID, Pix: told.Pix[i : i+1]})
		notices = append(notices, hint(one.E2E, key, fact, err))
		returns, err := one.returns()
		if err != nil {
			return nil, err
		}
		for _, d := range returns {
			event := strings.Join([]string{one.E2E, d.ID, d.Status}, "-")
			switch back, mine := provider.LongKey(d.ID); {
			case mine:
				fact, err := d.fact(one.E2E, d.ID)
				notices = append(notices, hint(event, back, fact, err))
			case strings.HasPrefix(d.Nature, "MED_"):
				notices = append(notices, connector.Notice{EventKey: event, Subject: connector.OfDispute, Key: key, ProviderRef: one.E2E})
			}
		}
	}
	return notices, nil
}

func hint(event, key string, fact payment.Fact, err error) connector.Notice {
	if err != nil {
		fact = payment.Fact{Class: payment.ClassUnknown}
	}
	return connector.Notice{EventKey: event, Key: key, Fact: fact, Hint: true}
}

// returns are those of a Pix: a list, or one alone, as in the publication's own example of a notice.
func (r *received) returns() ([]devolucao, error) {
	var all []devolucao
	switch r.Returns.Kind() {
	case 0, 'n':
		return nil, nil
	case '{':
		all = make([]devolucao, 1)
		if json.Unmarshal(r.Returns, &all[0]) == nil {
			break
		}
		return nil, fmt.Errorf("%w: a return that is none", errNotice)
	default:
		if json.Unmarshal(r.Returns, &all) != nil {
			return nil, fmt.Errorf("%w: returns that are none", errNotice)
		}
	}
	for _, d := range all {
		if !provider.Word(d.ID, 35) || !provider.Word(d.Status, 64) {
			return nil, fmt.Errorf("%w: a return without its id", errNotice)
		}
	}
	return all, nil
}
