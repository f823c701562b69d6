-- guestlua metrics --listen: over real sockets.

local helper = require("spec.support.helper")
local metrics = require("spec.support.metrics")

local GET = "GET /metrics HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"

describe("guestlua metrics --listen", function()
  local directory, server
  local luv = package.searchpath("luv", package.cpath)
  lazy_setup(function()
    directory = helper.scratch()
    server = luv and metrics.serve("-c test:///default", "127.0.0.1:0")
  end)
  lazy_teardown(function()
    if server then
      server:__close()
    end
    os.execute("rm -rf " .. directory)
  end)

  local function it_(what, fn)
    it(what, function()
      if not luv then
        return pending("no luv: install the package lua-luv")
      end
      fn()
    end)
  end

  it_("serves them over HTTP", function()
    for _ = 1, 3 do
      local code, body, all = server:ask(GET)
      assert.equal("200", code)
      assert.matches("Content%-Type: application/openmetrics%-text; version=1%.0%.0; charset=utf%-8\r\n", all)
      assert.equal(tostring(#body), all:match("Content%-Length: (%d+)"))
      assert.matches("\nlibvirt_up{.-} 1\n.*\n# EOF\n$", body)
    end
    assert.equal("200", (server:ask("GET /metrics?x=1 HTTP/1.0\\r\\n\\r\\n")))
  end)

  it_("has the length for HEAD, and no body", function()
    local code, body, all = server:ask("HEAD /metrics HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    assert.same({ "200", "" }, { code, body })
    local _, text = server:ask(GET)
    assert.equal(#text, tonumber(all:match("Content%-Length: (%d+)")))
    code, body = server:ask("HEAD / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    assert.same({ "404", "" }, { code, body })
  end)

  it_("takes a whole URI, as proxies send it", function()
    assert.equal("200", (server:ask("GET http://h.example:9177/metrics?x HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")))
    assert.equal("404", (server:ask("GET http://h.example:9177/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")))
  end)

  it_("refuses in words what it does not have", function()
    local long = "GET /metrics HTTP/1.1\\r\\nX: " .. ("x"):rep(9000)
    for request, expected in pairs({
      ["GET / HTTP/1.1\\r\\n\\r\\n"] = "404",
      ["POST /metrics HTTP/1.1\\r\\n\\r\\n"] = "405",
      ["nonsense\\r\\n\\r\\n"] = "400",
      [long] = "431",
      [long .. "\\r\\n\\r\\n"] = "431",
      [long .. ("x"):rep(100000)] = "431", -- it is read, so that the answer arrives
    }) do
      local code, body = server:ask(request)
      assert.equal(expected, code, request:sub(1, 30))
      assert.matches("^%u%l+ [%a ]+\n$", body)
    end
    assert.matches("\r\nAllow: GET, HEAD\r\n", select(3, server:ask("PUT /metrics HTTP/1.1\\r\\n\\r\\n")))
  end)

  it_("says so to the connections that are too many, and goes on when they are gone", function()
    local script = ("for i in {1..32}; do exec {fd}<>/dev/tcp/127.0.0.1/%s; done; exec 3<>/dev/tcp/127.0.0.1/%s; cat <&3"):format(server.port,
      server.port)
    local code, out, err = helper.run("bash -c " .. helper.quoted(script))
    assert.equal(0, code, err)
    assert.matches("^HTTP/1.1 503 Service Unavailable\r\n.*Retry%-After: 1\r\n", out)
    helper.await(function()
      return server:ask(GET) == "200"
    end, "they are not gone")
  end)

  it_("listens on what a name means", function()
    local named <close> = metrics.serve("-c test:///default", "localhost:0")
    assert.matches("^[%[:1270.%]]+$", named.address)
    assert.equal("200", (named:ask(GET)))
    local code, out, err = helper.guestlua("-c test:///default metrics --listen nosuch.invalid:0")
    assert.same({ 1, "" }, { code, out })
    assert.matches("^guestlua metrics: cannot listen on nosuch.invalid: no address of it is known", err)
    code, out, err = helper.guestlua(("-c test:///default metrics --listen 127.0.0.1:%s"):format(server.port))
    assert.same({ 1, "" }, { code, out })
    assert.matches("^guestlua metrics: cannot listen on 127.0.0.1 port %d+: EADDRINUSE", err)
  end)

  it("refuses an address that is none, and says how it is written", function()
    for address, hint in pairs({ [":9177"] = "0.0.0.0:9177", ["[::1:0"] = "[::1]:9177", ["::1:0"] = "[::1]:9177",
      ["[127.0.0.1]:0"] = "127.0.0.1:9177",
      ["127.0.0.1:99999"] = "65535", ["127.0.0.1:-1"] = "as in", ["127.0.0.1"] = "as in", ["a b:1"] = "as in", [""] = "as in" }) do
      local code, out, err = helper.guestlua("-c test:///default metrics --listen " .. helper.quoted(address))
      assert.same({ 2, "" }, { code, out }, address)
      assert.is_truthy(err:find("guestlua metrics: --listen: ADDRESS:PORT expected, got '" .. address .. "'; ", 1, true), err)
      assert.is_truthy(err:find(hint, 1, true), err)
    end
  end)

  -- A host that takes a connection and says nothing, as long as the value that it gives is open.
  local function mute(path)
    local socket = require("luv").new_pipe()
    assert(socket:bind(path))
    assert(socket:listen(8, function() end))
    return setmetatable({}, { __close = function() socket:close() end })
  end

  it_("answers with the hosts that are there while others do not answer, and has those when they come", function()
    local socket <close> = mute(directory .. "/socket") -- luacheck: ignore socket
    local list, late = directory .. "/hosts", directory .. "/late.xml"
    do
      local file <close> = assert(io.open(list, "w"))
      file:write(("here test:///default\nmute test+unix:///default?socket=%s/socket\nbad line in it\n"):format(directory))
    end
    local waiting <close> = metrics.serve("--timeout 3600 --hosts " .. list, "127.0.0.1:0")
    local code, body = waiting:get("x-prometheus-SCRAPE-timeout-seconds: 1")
    assert.equal("200", code)
    assert.is_truthy(body:find('\nlibvirt_up{host="here"} 1\n', 1, true), body)
    assert.is_truthy(body:find('\nlibvirt_up{host="mute"} 0\n', 1, true), body)
    assert.is_truthy(body:find('{host="here",domain="test"}', 1, true), body)

    do
      local file <close> = assert(io.open(list, "w"))
      file:write(("here test:///default\nlate test://%s\n"):format(late))
    end
    local coming <close> = metrics.serve("--hosts " .. list, "127.0.0.1:0")
    assert.is_truthy(select(2, coming:get()):find('libvirt_up{host="late"} 0\n', 1, true))
    helper.await(function() return coming:said():find("guestlua metrics: late: ", 1, true) end, "it does not say what is wrong")
    do
      local file <close> = assert(io.open(late, "w"))
      file:write("<node><domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os></domain></node>")
    end
    helper.await(function()
      return select(2, coming:get()):find('libvirt_up{host="late"} 1\n', 1, true)
    end, "it is not tried again")
    assert.equal(1, select(2, coming:said():gsub("metrics: late: ", "")))
  end)

  -- Nothing on the outside makes it fail: the fault is put into it.
  it_("says in its log why there is no answer", function()
    local file <close> = assert(io.open(directory .. "/fault.lua", "w"))
    assert(file:write("require('guestlua.host.openmetrics').text = function() error('no text today') end") and file:flush())
    local broken <close> = metrics.serve("-c test:///default", "127.0.0.1:0", ("-e 'dofile(\"%s/fault.lua\")'"):format(directory))
    assert.equal("500", (broken:ask(GET)))
    assert.matches("guestlua metrics: [^\n]*no text today", broken:said())
  end)

  it_("has no time, and nothing to say of it, if who asks has none", function()
    local server_of_its_own <close> = metrics.serve("-c test:///default", "127.0.0.1:0")
    assert.equal("503", (server_of_its_own:get("X-Prometheus-Scrape-Timeout-Seconds: 0.0000001")))
    assert.equal("200", (server_of_its_own:get("X-Prometheus-Scrape-Timeout-Seconds: nonsense")))
    assert.equal("", (server_of_its_own:said():gsub("^serving [^\n]*\n", "")))
  end)

  it_("ends at a signal", function()
    local ending <close> = metrics.serve("-c test:///default", "127.0.0.1:0")
    assert.equal("200", (ending:ask(GET)))
    os.execute("kill " .. ending.pid)
    helper.await(function()
      return ending:said():find("guestlua: interrupted\n$")
    end, "it does not end")
  end)
end)
