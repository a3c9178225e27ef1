// The same eight files per picture by sharp: one decode, each size from the one above it, one thread.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

sharp.concurrency(1);
sharp.cache(false);
for (const path of process.argv.slice(2)) {
  let image = sharp(await readFile(path)).rotate().toColourspace('srgb');
  for (const longest of [1600, 800, 400, 160]) {
    const { data, info } = await image
      .resize({ width: longest, height: longest, fit: 'inside', withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
    await sharp(data, raw).flatten({ background: '#ffffff' }).jpeg({ quality: 80, progressive: true }).toBuffer();
    await sharp(data, raw).webp({ quality: 80, effort: 2 }).toBuffer();
    image = sharp(data, raw);
  }
}
