package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sluicepay/sluice/internal/admin"
)

type shopWalletCommands struct {
	Set    shopWalletSetCommand    `cmd:"" help:"Give a shop an account at Google Pay or Apple Pay, or change it."`
	Show   shopWalletShowCommand   `cmd:"" help:"Show the accounts of a shop, without their keys."`
	Remove shopWalletRemoveCommand `cmd:"" help:"Take an account away, with its keys."`
}

type shopWalletSetCommand struct {
	operator
	admin.SetWallet
	Files       []string `arg:"" optional:"" name:"file" help:"Files in PEM: of Google Pay private keys, the newest first; of Apple Pay payment processing certificates with their private keys. Several are good at once, while they are changed; those of before go."`
	Identity    []string `name:"identity" placeholder:"FILE" help:"Of Apple Pay: a file in PEM with a merchant identity certificate and its private key. May be repeated."`
	Association string   `name:"association" placeholder:"FILE" help:"Of Apple Pay: the file by which Apple verifies a domain; the server serves it."`
	Roots       string   `name:"roots" placeholder:"FILE" help:"Of a test shop: the roots of a wallet that is pretended."`
}

// Run gives a shop an account.
func (c *shopWalletSetCommand) Run(s *surroundings) (err error) {
	asked := c.SetWallet
	if asked.Keys, err = readContents(c.Files); err != nil {
		return err
	}
	if asked.Identity, err = readContents(c.Identity); err != nil {
		return err
	}
	for path, into := range map[string]*admin.Content{c.Association: &asked.Association, c.Roots: &asked.Roots} {
		if path == "" {
			continue
		}
		if *into, err = readContent(path); err != nil {
			return err
		}
	}
	return perform(s, &c.operator, admin.OpSetWallet, asked, document)
}

type shopWalletShowCommand struct {
	operator
	admin.OfShop
}

// Run shows the accounts of a shop.
func (c *shopWalletShowCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpShowWallets, c.OfShop, document)
}

type shopWalletRemoveCommand struct {
	operator
	admin.OfWallet
}

// Run takes an account away.
func (c *shopWalletRemoveCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRemoveWallet, c.OfWallet, document)
}

// mostContent is how much of a file of keys, certificates or roots is read.
const mostContent = 256 << 10

func readContents(paths []string) (all []admin.Content, err error) {
	for _, path := range paths {
		content, err := readContent(path)
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func readContent(path string) (admin.Content, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, mostContent+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(content) == 0 || len(content) > mostContent:
		return nil, fmt.Errorf("%s: must have between 1 byte and %d KiB", path, mostContent>>10)
	}
	return content, nil
}
