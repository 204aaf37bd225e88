"""The clients of OpenAI, Anthropic and LangChain call models through the gateway, knowing nothing of it.

Environment: DOMAIN, ADA (a token that may call `small`), BOB (one that may call nothing), KEY (an API key for `small`),
SSL_CERT_FILE.
"""

import os

import anthropic
import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

BASE = f"https://{os.environ['DOMAIN']}"
ADA, BOB, KEY = os.environ["ADA"], os.environ["BOB"], os.environ["KEY"]
SAID = [{"role": "user", "content": "good morning"}]


def raises(kind, call, status, code=None):
    try:
        call()
    except kind as error:
        assert error.status_code == status, error
        if code:
            assert error.code == code, error
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def with_openai(credential):
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=credential, max_retries=0)
    whole = client.chat.completions.create(model="small", messages=SAID)
    assert whole.choices[0].message.content == "echo: good morning"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (2, 3)
    assert whole._request_id.startswith("req_")
    for options, used in [({}, 0), ({"stream_options": {"include_usage": True}}, 1)]:
        chunks = list(client.chat.completions.create(model="small", messages=SAID, stream=True, **options))
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert text == "echo: good morning"
        assert sum(chunk.usage is not None for chunk in chunks) == used, chunks
    capped = client.chat.completions.create(model="small", messages=SAID, max_tokens=1)
    assert (capped.choices[0].message.content, capped.choices[0].finish_reason) == ("echo:", "length")
    vectors = client.embeddings.create(model="small", input=["one", "two"])
    assert len(vectors.data) == 2 and len(vectors.data[0].embedding) == 16 and vectors.usage.total_tokens == 2
    answer = client.responses.create(model="small", input="good morning")
    assert answer.output_text == "echo: good morning" and answer.usage.output_tokens == 3
    following = client.responses.create(model="small", input="again", previous_response_id=answer.id)
    assert following.output_text == "echo: again"
    with client.responses.stream(model="small", input="good morning") as stream:
        kinds = [event.type for event in stream]
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
        assert stream.get_final_response().output_text == "echo: good morning"
    assert [model.id for model in client.models.list()] == ["small"]
    assert client.models.retrieve("small").id == "small"
    for name in ["absent", "forbidden"]:
        raises(openai.NotFoundError, lambda: client.chat.completions.create(model=name, messages=SAID), 404, "model_not_found")
        raises(openai.NotFoundError, lambda: client.models.retrieve(name), 404, "model_not_found")
    raises(openai.BadRequestError, lambda: client.chat.completions.create(model="small", messages=[]), 400)
    raises(openai.NotFoundError, lambda: client.responses.create(model="small", input="x", previous_response_id="resp_other"), 404)


def refused_by_openai():
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=BOB, max_retries=0)
    raises(openai.NotFoundError, lambda: client.chat.completions.create(model="small", messages=SAID), 404, "model_not_found")
    assert list(client.models.list()) == []
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key="sk-nobody", max_retries=0)
    raises(openai.AuthenticationError, lambda: client.chat.completions.create(model="small", messages=SAID), 401, "invalid_api_key")


def with_anthropic():
    client = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0)
    whole = client.messages.create(model="small", max_tokens=100, system="Be brief", messages=SAID)
    assert whole.content[0].text == "echo: good morning" and whole.stop_reason == "end_turn"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (4, 3)
    with client.messages.stream(model="small", max_tokens=2, messages=SAID) as stream:
        assert "".join(stream.text_stream) == "echo: good"
        last = stream.get_final_message()
        assert last.stop_reason == "max_tokens" and last.usage.output_tokens == 2
    assert [model.id for model in client.models.list()] == ["small"]
    raises(anthropic.NotFoundError, lambda: client.messages.create(model="absent", max_tokens=1, messages=SAID), 404)
    nobody = anthropic.Anthropic(base_url=BASE, api_key="nobody", max_retries=0)
    raises(anthropic.AuthenticationError, lambda: nobody.messages.create(model="small", max_tokens=1, messages=SAID), 401)
    by_token = anthropic.Anthropic(base_url=BASE, auth_token=ADA, api_key=None, max_retries=0)
    assert by_token.messages.create(model="small", max_tokens=9, messages=SAID).content[0].text == "echo: good morning"


def with_langchain():
    chat = ChatOpenAI(base_url=f"{BASE}/v1", api_key=ADA, model="small", stream_usage=True, max_retries=0)
    whole = chat.invoke([HumanMessage("good morning")])
    assert whole.content == "echo: good morning" and whole.usage_metadata["total_tokens"] == 5
    pieces = None
    for piece in chat.stream([HumanMessage("good morning")]):
        pieces = piece if pieces is None else pieces + piece
    assert pieces.content == "echo: good morning" and pieces.usage_metadata["output_tokens"] == 3
    embeddings = OpenAIEmbeddings(base_url=f"{BASE}/v1", api_key=ADA, model="small", check_embedding_ctx_length=False)
    assert embeddings.embed_query("one") != embeddings.embed_query("two")
    bad = ChatOpenAI(base_url=f"{BASE}/v1", api_key=BOB, model="small", max_retries=0)
    raises(openai.NotFoundError, lambda: bad.invoke([HumanMessage("x")]), 404, "model_not_found")


with_openai(ADA)
with_openai(KEY)
refused_by_openai()
with_anthropic()
with_langchain()
print("the story is told")
