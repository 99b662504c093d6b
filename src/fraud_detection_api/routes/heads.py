"""HEAD: answered wherever GET is, with the same headers and no body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Asks what lies behind it with GET, and ends the answer where the body would begin: a stream would never."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        is_ended = False

        async def send_head(message: Message) -> None:
            nonlocal is_ended
            if is_ended:
                return
            is_ended = message["type"] == "http.response.body"
            await send({"type": "http.response.body"} if is_ended else message)

        await self._app({**scope, "method": "GET"}, receive, send_head)
