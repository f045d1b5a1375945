package admin

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestTheLogHasNoSecretOfAShop: neither a key that was given to be revoked, nor what follows the address of a webhook.
func TestTheLogHasNoSecretOfAShop(t *testing.T) {
	t.Parallel()
	for _, arguments := range []any{
		RevokeKey{Key: "sk_live_AbCdEf12SECRETSECRETSECRETSECRETSECRET"}, RevokeKey{Key: "AbCdEf12SECRETSECRETSECRETSECRET"},
		UpdateShop{Settings: `{"webhookUrl":"https://shop.example/hook?token=SECRET","returnUrl":"https://shop.example"}`},
		CreateShop{Settings: `{"webhookUrl":"https://shop.example/hook?token=SECRET"}`},
		CreateTerminal{Settings: `{"apiKey":"SECRET"}`}, UpdateTerminal{Settings: `{"apiKey":"SECRET"}`},
	} {
		if told := fmt.Sprint(shown(reflect.ValueOf(arguments))); strings.Contains(told, "SECRET") {
			t.Errorf("%T: %s", arguments, told)
		}
	}
	told := fmt.Sprint(shown(reflect.ValueOf(UpdateShop{Settings: `{"webhookUrl":"https://shop.example/hook?a=1","returnUrl":"https://shop.example"}`})))
	if !strings.Contains(told, `https://shop.example/hook?***","returnUrl":"https://shop.example"`) {
		t.Error(told)
	}
}
