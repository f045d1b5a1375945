// Package upgrade proves that what older programs left behind goes on. Below testdata stands a folder for each version of
// the tables that was ever in use: databases of both kinds as a program of that time left them when it was killed, the
// keys that open them, the provider's ledger of that moment, and what that program answered and posted. The tests open copies with the present
// code and demand the same answers and posts to the byte, and that whatever was under way ends right.
//
// [TestMake] makes such a folder with the binary of any commit; scripts/upgrade-fixture.sh runs it. Start with scenes_test.go:
// it lists what there is to be found in a database. The only files that know the insides of the present program are
// present_test.go, fresh_test.go and what they use of package testkit; all else speaks HTTP and runs commands.
//
// What no scene makes: calls that could not leave this machine (UNSENT), events that could not be worded yet (untold), payments
// that went back before they were abandoned, work that was parked for a human after a weekend of failures, a card of which the
// program still has the number in memory. The first two take a failure of our own that no public interface can ask for.
package upgrade
