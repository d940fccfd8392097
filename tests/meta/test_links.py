"""Nothing the bot offers leads nowhere: every option of every conversation has somebody who answers it."""

from __future__ import annotations

from sqlalchemy import select

from bot.app import Service
from handlers.desk import build_desk
from storage.dialogues import Dialogue
from tests.support import said
from tests.talks import Corpus

BUILT_IN = {"say", "menu", "human"}


def _actions(corpus: Corpus) -> dict[str, str]:
    return {choice.action: place for place, reply in corpus.replies for choice in reply.choices}


def test_every_option_has_a_service(corpus: Corpus) -> None:
    services = {service.name for service in build_desk().services}
    actions = _actions(corpus)
    assert len(actions) > 20
    lost = {a: place for a, place in actions.items() if a.partition(":")[0] not in services | BUILT_IN}
    assert lost == {}


def test_every_option_is_answered_with_words_and_not_with_the_menu(corpus: Corpus, service: Service) -> None:
    """A person who sees just this option and answers 1."""
    menu = {reply.text for reply in _menu(service)}
    wrong: dict[str, str] = {}
    for n, (action, place) in enumerate(sorted(_actions(corpus).items())):
        if action.startswith("say:"):
            continue
        who = f"p{n}"
        service.talk(said("帮助", "1", who))
        with service.database.unit() as session:
            row = session.scalars(select(Dialogue).order_by(Dialogue.person_id.desc())).first()
            assert row is not None
            options = row.state["options"] | {"choices": [["这个", action]]}
            row.state = row.state | {"options": options, "greeted": True, "query": "秤"}
        try:
            replies = [line.reply for line in service.talk(said("1", "2", who))]
        except Exception as error:
            wrong[action] = f"{place} {error!r}"
            continue
        if not replies or not all(r.text.strip() for r in replies) or (action != "menu:" and replies[0].text in menu):
            wrong[action] = place
    assert wrong == {}


def _menu(service: Service) -> list:
    service.talk(said("菜单", "1", "menu"))
    return [line.reply for line in service.talk(said("菜单", "2", "menu"))]


def test_the_actions_of_cards_name_entries_there_are(corpus: Corpus, service: Service) -> None:
    library = service.knowledge.library
    wrong = {}
    for action, place in _actions(corpus).items():
        verb, _, rest = action.removeprefix("lookup:").partition("/")
        if action.startswith("lookup:") and verb in ("show", "up", "down"):
            try:
                library.entry(rest.partition("@")[0])
            except KeyError:
                wrong[action] = place
    assert wrong == {}
