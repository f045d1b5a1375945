package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var _ connector.Chooser = (*Sandbox)(nil)

// Banks lists those that are not out of order; of a method with aliases those whose apps know the customer by the one given.
func (s *Sandbox) Banks(ctx context.Context, of connector.Choice) ([]connector.Bank, error) {
	path := "/v1/banks?method=" + url.QueryEscape(string(of.Method))
	switch {
	case of.Alias != "":
		path = "/v1/blik/aliases/" + url.PathEscape(of.Alias)
	case of.Method == payment.Blik:
		return nil, nil
	}
	res, err := s.client.get(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("sandbox banks: %w", err)
	}
	type list []struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Status string `json:"status"`
	}
	var told struct {
		Banks list `json:"banks"`
		Apps  list `json:"apps"`
	}
	if res.Status != http.StatusOK || json.Unmarshal(res.Body, &told) != nil || told.Banks == nil && told.Apps == nil {
		return nil, fmt.Errorf("sandbox banks: %w: status %d", errAnswer, res.Status)
	}
	var up []connector.Bank
	for _, b := range append(told.Banks, told.Apps...) {
		if b.Status == "up" && provider.Word(b.ID, 64) {
			up = append(up, connector.Bank{ID: b.ID, Name: b.Name})
		}
	}
	return up, nil
}
