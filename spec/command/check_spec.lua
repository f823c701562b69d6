-- guestlua --check: what it finds, and that it finds nothing in what is right.

local check = require("guestlua.command.check")
local helper = require("spec.support.helper")

describe("guestlua --check", function()
  local function finds(source, ...)
    assert(load(source))
    assert.same({ ... }, check.misspelt("x", source))
  end

  it("finds misspelt methods of what is known to be ours", function()
    finds("local host <close> = guestlua.open() host:gests()", "x:1: Host has no method 'gests'; 'guests'?")
    finds("local guest = assert(guestlua.open():guest('web'))\nguest:lunch()", "x:2: Guest has no method 'lunch'; 'launch'?")
    finds("local g = require('guestlua')\ng.open():guest('web'):get_block_device('vda'):comit()", "x:2: BlockDevice has no method 'comit'; 'commit'?")
    finds("local h = guestlua.open() for _, g in ipairs(h:guests()) do g:frobnicate() end",
      "x:1: Guest has no method 'frobnicate'; help(Guest) lists what it has")
    finds("guestlua.opne()", "x:1: guestlua has no function 'opne'; 'open'?")
    finds("guestlua.log.warn('a')", "x:1: guestlua.log has no function 'warn'; it has: configure, debug, error, info, trace, warning")
    finds("local h = guestlua.open() h:guests()[1]:lunch() local g = h:guests()[2] g:lunch()", "x:1: Guest has no method 'lunch'; 'launch'?",
      "x:1: Guest has no method 'lunch'; 'launch'?")
  end)

  it("finds misspelt fields of what is known to be ours", function()
    finds("local h <close> = guestlua.open() print(h.hostnme, h.hostname)", "x:1: guestlua.Host has nothing of the name 'hostnme'; 'hostname'?")
    finds("print(guestlua.power_state.RUNING == 1)", "x:1: the table has nothing of the name 'RUNING'; 'RUNNING'?")
    finds("local w = guestlua.workfow", "x:1: guestlua has nothing of the name 'workfow'; 'workflow'?")
    finds("local up = guestlua.workflow.ensure_runing", "x:1: guestlua.workflow has nothing of the name 'ensure_runing'; 'ensure_running'?")
    finds("local h = guestlua.open() local f, n = h.guests, h:guest('a').name guestlua.default_uri = 'x' return guestlua.default_uri")
    finds("guestlua.mine = 1 print(guestlua.mine, rawget(guestlua, 'feature') == nil, guestlua.element('<a/>').nme)")
  end)

  it("finds names that raise when they are read, also if nothing is nearly called that", function()
    finds("print(guestlua.metricz)\nguestlua.metrics.write()\nguestlua.metricz()", "x:1: guestlua has nothing of the name 'metricz'",
      "x:2: guestlua has nothing of the name 'metrics'", "x:3: guestlua has no function 'metricz'")
    finds("local up = guestlua.workflow.xyzzy", "x:1: guestlua.workflow has nothing of the name 'xyzzy'")
    finds("local h = guestlua.open() print(h.xyzzy)", "x:1: guestlua.Host has nothing of the name 'xyzzy'")
    finds("local bar = guestlua.progress('a') print(bar.xyzzy)")
  end)

  it("finds those that nearly are ours, whatever they are called on", function()
    finds("return function(g) g:get_xml_dec() g:get_block_devise('vda') end",
      "x:1: no method 'get_xml_dec'; 'get_xml_desc'?", "x:1: no method 'get_block_devise'; 'get_block_device'?")
  end)

  it("finds misspelt options", function()
    finds("guestlua.open('x', { readnly = true })", "x:1: open has no option 'readnly'; 'readonly'?")
    finds("local host = guestlua.open() local guest = host:guest('a', { requird = true }) local pool = host:pool('b', { requred = true })",
      "x:1: guest has no option 'requird'; 'required'?", "x:1: pool has no option 'requred'; 'required'?")
    finds("local host = guestlua.open() function mine.guest() end return host:guest('a', { any = true })")
    finds("return function(g) g:launch{ pauze = true } end", "x:1: launch has no option 'pauze'; 'pause'?")
    finds("local d = guestlua.open():guest('a'):get_block_device('vda')\nd:commit(nil, nil, {\n  active = true,\n  fast = { a = 1 } })",
      "x:4: commit has no option 'fast'; the options are: " .. table.concat((function()
        local names = {}
        for _, param in ipairs(require("guestlua.prompt.help").member(require("guestlua.prompt.help").classes().BlockDevice, "commit").params) do
          names[#names + 1] = not param.positional and param.name or nil
        end
        return names
      end)(), ", "))
    finds("return function(d) d:await_job({ on_progres = function() local timout = 1 end }) end",
      "x:1: await_job has no option 'on_progres'; 'on_progress'?")
  end)

  it("finds misspelt words among the arguments", function()
    finds("local h = guestlua.open() h:on('lifecylce', print) h:subscribe({ 'lifecycle', 'io_eror' })",
      "x:1: on has no 'lifecylce'; 'lifecycle'?", "x:1: subscribe has no 'io_eror'; 'io_error'?")
    finds("local h = guestlua.open() h:guest('a'):wait_event'lifecicle'", "x:1: wait_event has no 'lifecicle'; 'lifecycle'?")
    finds("local h = guestlua.open() h:on(f('lifecylce'), print) h:on(x .. 'lifecylce', print)")
    finds("local h = guestlua.open() h:on('lifecycle', g('lifecylce')) h:on({ x = 'a' }, f)")
    finds("local h = guestlua.open() h:on('reconnected', f) h:on({ 'lifecycle', name }, f) h:on({}, f)")
  end)

  it("finds misspelt words among the options, and parameters that have no such name", function()
    finds("local g = guestlua.open():guest('a') g:migrate('x', { flags = { 'live', 'peer2per' }, bandwidth = 3 })",
      "x:1: migrate has no 'peer2per'; 'peer2peer'?")
    finds("local h = guestlua.open() h:stats{ groups = { 'cpu', 'blok' } } h:stats({ groups = f 'blok' }) h:stats({ groups = { f('blok') } })",
      "x:1: stats has no 'blok'; 'block'?")
    finds("local h = guestlua.open() h:pool_define_as('a', { type = 'iscsi-direkt', target = '/x' })",
      "x:1: pool_define_as has no 'iscsi-direkt'; 'iscsi-direct'?")
    finds("local h = guestlua.open() h:pool_define_as('a', { type = 'di' .. 'r', target = 'dirr' }) h:stats({ groups = kinds })")
    finds("local g = guestlua.open():guest('a') g:set_memory_parameters({ hard_limt = 3, soft_limit = 4 }, { live = true })",
      "x:1: set_memory_parameters has no parameter 'hard_limt'; 'hard_limit'?")
    finds("local g = guestlua.open():guest('a') g:set_memory_parameters(limits) g:set_memory_parameters(f{ hard_limt = 3 })")
  end)

  it("finds misspelt fields of results", function()
    finds("local g = guestlua.open():guest('a') print(g:get_info().mem_bk)", "x:1: the result has no field 'mem_bk'; 'mem_kb'?")
    finds("local done = guestlua.workflow.reboot(guest) print(done.secnds, done.seconds)", "x:1: the result has no field 'secnds'; 'seconds'?")
    finds("local done = guestlua.workflow.reboot(guest) done.secnds = 1 print(done.secnds)")
  end)

  it("lets be what the script makes itself, and what it cannot know", function()
    finds("local host = guestlua.open() host = nil or other() host:gests()")
    finds("function guestlua.Guest:lunch() end guestlua.open():guest('a'):lunch()")
    finds("local t = { get_xml_dec = 1 } t:get_xml_dec()")
    finds("local host = guestlua.open() local function f(host) host:gests() end")
    finds("local x = f() do local x = guestlua.open() end x:gests()")
    finds("local disk = guestlua.element('<disk/>') disk:whatever() local s = ('x'):rep(3) io.stdout:wrote()")
    finds("--[==[ guestlua.opne() ]==] local s = 'guestlua.opne()' .. [[ guestlua.opne() ]] -- guestlua.opne()")
    finds("return function(m) m:snapshot(f({ pauze = 1 }), g { pauze = 2 }) m:launch(options) m:launch({ [pauze] = 1, 'pauze' }) end")
  end)

  it("finds nothing in the scripts of this project", function()
    local pipe <close> = assert(io.popen("find examples spec bench doc lua -name '*.lua' ! -name check_spec.lua"))
    local paths = pipe:read("a"):gsub("\n", " ")
    assert.same({ 0, "", "" }, { helper.guestlua("--check " .. paths) })
  end)

  it("compiles and runs nothing; exits 1 where something is wrong", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    local function checked(source)
      local file <close> = assert(io.open(path, "w"))
      file:write(source)
      file:close()
      return { helper.guestlua("--check " .. path) }
    end
    assert.same({ 0, "", "" }, checked("#!/usr/bin/env guestlua\nprint('it ran')"))
    assert.same({ 1, "", path .. ":2: <eof> expected near 'end'\n" }, checked("x = 1\nend"))
    assert.same({ 1, "", path .. ":1: guestlua has no function 'opne'; 'open'?\n" }, checked("guestlua.opne()"))
    assert.equal(1, (helper.guestlua("--check /nonexistent.lua")))
  end)
end)
