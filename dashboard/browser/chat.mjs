// The chat: every act against the real binary with the scripted model.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const scriptFor = (server, name, text) => {
  const path = join(server.home, `${name}.yaml`);
  writeFileSync(path, text);
  return `scripted/${path}`;
};

// Sends a message through the page with that script as its model.
async function send(page, server, model, text, mode = 'edits') {
  await page.getByRole('textbox', { name: 'Message' }).fill(`/model ${model}`);
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message' }).fill(`/mode ${mode}`);
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.keyboard.press('Enter');
}

const kJob = `
turns:
  - think: "First I look around."
    say: "I look around."
    calls:
      - {tool: glob, id: find, arguments: {pattern: "**/*"}}
    usage: {input_tokens: 900, output_tokens: 21}
  - calls:
      - {tool: write, id: report, arguments: {file_path: out/report.md, content: "# Report\\n\\nAll is well.\\n"}}
    usage: {input_tokens: 1200, output_tokens: 80}
  - say: "# Done\\n\\n| file | lines |\\n|---|---:|\\n| report.md | 3 |\\n\\n\`\`\`cpp\\nint main() { return 0; }\\n\`\`\`\\n"
    usage: {input_tokens: 1300, output_tokens: 15}
`;

export const cases = [
  {
    name: 'a job from the first word to the last',
    prepare: server => {
      mkdirSync(join(server.workspace, 'src'));
      writeFileSync(join(server.workspace, 'src/main.c'), 'int main() { return 0; }\n');
    },
    async run({ page, server, want, shot, axe }) {
      await shot('empty');
      await axe('the empty chat');
      await send(page, server, scriptFor(server, 'job', kJob), 'Write a report');
      await page.getByRole('cell', { name: 'report.md' }).waitFor();
      await page.getByText('2 turns', { exact: false }).or(page.getByText('3 turns', { exact: false })).first().waitFor();
      want(readFileSync(join(server.workspace, 'out/report.md'), 'utf8').includes('All is well.'), 'the file was not written');
      await page.getByRole('button', { name: /^Copy$/ }).waitFor();
      await page.locator('.hljs-keyword, .hljs-type').first().waitFor();
      const call = page.getByRole('article', { name: 'Tool call write' });
      await call.getByRole('button').first().click();
      await call.getByText('# Report').first().waitFor();
      await call.locator('tr.added').first().waitFor();
      await shot('job');
      await axe('a finished job');
    },
  },
];
