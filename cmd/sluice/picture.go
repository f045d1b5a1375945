package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/shop"
)

type shopLogoCommands struct {
	Set    shopLogoSetCommand    `cmd:"" help:"Show a picture beside the shop's name on its payment page."`
	Remove shopLogoRemoveCommand `cmd:"" help:"Show no picture any more."`
}

type shopLogoSetCommand struct {
	operator
	admin.OfShop
	File string `arg:"" name:"file" help:"A PNG or JPEG picture of at most 512 KiB; - for standard input."`
}

// Run gives a shop a picture.
func (c *shopLogoSetCommand) Run(s *surroundings) error {
	picture, err := readPicture(c.File, s.in)
	if err != nil {
		return err
	}
	return perform(s, &c.operator, admin.OpSetLogo, admin.SetLogo{OfShop: c.OfShop, Picture: picture},
		sentence("customers of shop %s are shown %s", func(r admin.ShopLogo) []any { return []any{r.Shop, r.Logo} }))
}

type shopLogoRemoveCommand struct {
	operator
	admin.OfShop
}

// Run takes the picture of a shop away.
func (c *shopLogoRemoveCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRemoveLogo, c.OfShop,
		sentence("customers of shop %s are shown no logo", func(r admin.ShopLogo) []any { return []any{r.Shop} }))
}

// readPicture reads no more of a file than a logo may have.
func readPicture(path string, in io.Reader) (picture []byte, err error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	picture, err = io.ReadAll(io.LimitReader(in, shop.MostLogo+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the logo: %w", err)
	case len(picture) == 0:
		return nil, errors.New("the logo is an empty file")
	}
	return picture, nil
}
