package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/qr"
)

type linkCommands struct {
	Create linkCreateCommand `cmd:"" help:"Make a payment to be paid once, by whoever is given its address."`
	Show   linkShowCommand   `cmd:"" help:"Show the address of a payment and whether it was paid."`
	Cancel linkCancelCommand `cmd:"" help:"Have a link that nobody has paid lead to nothing any more."`
}

// drawn is how else a link is shown.
type drawn struct {
	QR  bool   `name:"qr" help:"Draw the address as a QR code, in the terminal. Not with --json."`
	PNG string `name:"png" placeholder:"FILE" help:"Write the QR code into a file, as a PNG picture."`
}

type linkCreateCommand struct {
	operator
	admin.CreateLink
	drawn
}

// Run makes a link.
func (c *linkCreateCommand) Run(s *surroundings) error {
	return linked(s, &c.operator, &c.drawn, admin.OpCreateLink, c.CreateLink)
}

type linkShowCommand struct {
	operator
	admin.OfLink
	drawn
}

// Run shows a link.
func (c *linkShowCommand) Run(s *surroundings) error {
	return linked(s, &c.operator, &c.drawn, admin.OpShowLink, c.OfLink)
}

// linked asks for a link and shows it, whatever becomes of its picture.
func linked[A any](s *surroundings, o *operator, d *drawn, op admin.Operation[A, admin.Link], arguments A) error {
	if d.QR && o.JSON {
		return errors.New("--qr draws for people, --json prints for programs")
	}
	l, err := ask(s, o, op, arguments)
	if err != nil {
		return err
	}
	if o.JSON {
		err = document(s.out, l)
	} else {
		err = showLink(s.out, d, &l)
	}
	if d.PNG != "" {
		err = errors.Join(err, writePNG(d.PNG, l.URL))
	}
	return err
}

// pointsOfModule makes pictures of some 300 points.
const pointsOfModule = 8

func writePNG(path, address string) error {
	raw, err := qr.PNG(address, pointsOfModule)
	if err == nil {
		err = private.Write(path, raw)
	}
	if err != nil {
		return fmt.Errorf("--png: %w", err)
	}
	return nil
}

// showLink prints the address first, alone on its line.
func showLink(out io.Writer, d *drawn, l *admin.Link) error {
	amount := string(l.Amount)
	if amount == "" {
		amount = "an amount that the customer enters,"
	}
	text := fmt.Sprintf("%s\npayment %s: %s %s, %s", l.URL, l.Payment, amount, l.Currency, l.State)
	if l.ErrorCode != "" {
		text += " " + l.ErrorCode
	}
	if l.Open {
		text += ", open until " + l.Expires.Format(time.RFC3339)
	}
	if l.Repeated {
		text += "\nit was made before, and is what is shown"
	}
	if l.DuplicateOf != "" {
		text += "\nthe reference has been used before, by payment " + string(l.DuplicateOf)
	}
	if d.QR {
		lines, err := qr.Lines(l.URL)
		if err != nil {
			return err
		}
		const white, end = "\n\x1b[97;40m", "\x1b[0m" // on black, whatever the terminal's colours
		text += white + strings.Join(lines, end+white) + end
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

type linkCancelCommand struct {
	operator
	admin.OfLink
}

// Run cancels a link.
func (c *linkCancelCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpCancelLink, c.OfLink,
		sentence("%s is %s", func(l admin.Link) []any { return []any{l.Payment, l.State} }))
}
