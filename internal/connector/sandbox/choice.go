package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/provider"
)

var _ connector.Chooser = (*Sandbox)(nil)

// Banks lists those that are not out of order.
func (s *Sandbox) Banks(ctx context.Context, of connector.Choice) ([]connector.Bank, error) {
	res, err := s.client.get(ctx, "/v1/banks?method="+url.QueryEscape(string(of.Method)))
	if err != nil {
		return nil, fmt.Errorf("sandbox banks: %w", err)
	}
	var told struct {
		Banks []struct {
			ID     string `json:"id"`
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"banks"`
	}
	if res.Status != http.StatusOK || json.Unmarshal(res.Body, &told) != nil || told.Banks == nil {
		return nil, fmt.Errorf("sandbox banks: %w: status %d", errAnswer, res.Status)
	}
	var up []connector.Bank
	for _, b := range told.Banks {
		if b.Status == "up" && provider.Word(b.ID, 64) {
			up = append(up, connector.Bank{ID: b.ID, Name: b.Name})
		}
	}
	return up, nil
}
