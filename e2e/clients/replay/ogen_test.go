//go:build !short

package replay

import (
	"github.com/sluicepay/sluice/e2e/clients/gen/ogen/gateway"
	"github.com/sluicepay/sluice/e2e/clients/gen/ogen/yandexpay"
)

// ogenClients are left out in the short form.
var ogenClients = map[string]decoders{"gateway": gateway.Decoders, "yandexpay": yandexpay.Decoders}
