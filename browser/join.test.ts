import { expect, test } from 'vitest'
import { join } from './index.ts'

test('where there is no page, joining says what to call instead', async () => {
  const joining = join({ room: 'lobby', signaling: 'ws://127.0.0.1:1' })
  await expect(joining).rejects.toMatchObject({ code: 'not_a_page', message: expect.stringMatching(/startPeer/) })
})

test('a tab that names no signalling server is told so, and one without options what it takes', async () => {
  const missing = { code: 'bad_option', message: expect.stringMatching(/^signaling: expected /) }
  await expect(join({ room: 'lobby' } as never)).rejects.toMatchObject(missing)
  const none = { code: 'bad_option', message: expect.stringMatching(/^join: expected options as an object/) }
  await expect(join(undefined as never)).rejects.toMatchObject(none)
})
