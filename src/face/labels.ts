/**
 * What the outputs' indexes mean. Sources: the official repository's script and its author's answers for age, gender,
 * race and visibility; CelebA's list_attr_celeba.txt for the attributes; LaPa for the parsing classes; iBUG 300-W for
 * the landmarks; RAF-DB for the expressions (the paper's form only).
 */

/** The tasks, which are also the names of the network's raw outputs. Which of them some weights know is in the weights. */
export const TASKS = [
  'segmentation',
  'landmarks',
  'headpose',
  'attributes',
  'visibility',
  'age',
  'gender',
  'race',
  'expression',
  'recognition',
] as const;
export type Task = (typeof TASKS)[number];

/** CelebA's 40 attributes, in its order. `Male` and `Young` are that set's attributes, apart from the tasks gender and age. */
export const ATTRIBUTES = [
  '5_o_Clock_Shadow',
  'Arched_Eyebrows',
  'Attractive',
  'Bags_Under_Eyes',
  'Bald',
  'Bangs',
  'Big_Lips',
  'Big_Nose',
  'Black_Hair',
  'Blond_Hair',
  'Blurry',
  'Brown_Hair',
  'Bushy_Eyebrows',
  'Chubby',
  'Double_Chin',
  'Eyeglasses',
  'Goatee',
  'Gray_Hair',
  'Heavy_Makeup',
  'High_Cheekbones',
  'Male',
  'Mouth_Slightly_Open',
  'Mustache',
  'Narrow_Eyes',
  'No_Beard',
  'Oval_Face',
  'Pale_Skin',
  'Pointy_Nose',
  'Receding_Hairline',
  'Rosy_Cheeks',
  'Sideburns',
  'Smiling',
  'Straight_Hair',
  'Wavy_Hair',
  'Wearing_Earrings',
  'Wearing_Hat',
  'Wearing_Lipstick',
  'Wearing_Necklace',
  'Wearing_Necktie',
  'Young',
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** Years, both ends included. */
export const AGES = ['0-9', '10-19', '20-29', '30-39', '40-49', '50-59', '60-69', '70+'] as const;
export type Age = (typeof AGES)[number];

/** The middle of each age class in years: 0-9 is the span [0, 10). The open last class is taken as [70, 80). */
export const AGE_MIDPOINTS = [5, 15, 25, 35, 45, 55, 65, 75] as const;

export const GENDERS = ['male', 'female'] as const;
export type Gender = (typeof GENDERS)[number];

/** The order of the official code, which is not UTKFace's. */
export const RACES = ['White', 'Black', 'Indian', 'Asian', 'Others'] as const;
export type Race = (typeof RACES)[number];

/** RAF-DB's seven, in the paper's order. */
export const EXPRESSIONS = ['surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral'] as const;
export type Expression = (typeof EXPRESSIONS)[number];

/**
 * The parsing classes, in order, with the official script's colours (RGB).
 *
 * Left and right are LaPa's words and mean the picture's sides, as a viewer sees an upright face that is not mirrored:
 * classes 2 and 4 lie on the left of the picture, 3 and 5 on its right. No class is called the person's left: the
 * official code names none of them. Ears, neck, clothes, hats and glasses are background.
 */
export const PARSING = [
  { name: 'background', colour: [0, 0, 0] },
  { name: 'skin', colour: [0, 153, 255] },
  { name: 'left eyebrow', colour: [102, 255, 153] },
  { name: 'right eyebrow', colour: [0, 204, 153] },
  { name: 'left eye', colour: [255, 255, 102] },
  { name: 'right eye', colour: [255, 255, 204] },
  { name: 'nose', colour: [255, 153, 0] },
  { name: 'upper lip', colour: [255, 102, 255] },
  { name: 'inner mouth', colour: [102, 0, 51] },
  { name: 'lower lip', colour: [255, 204, 255] },
  { name: 'hair', colour: [255, 0, 102] },
] as const;
export type ParsingClass = (typeof PARSING)[number]['name'];

/** COFW's points, known by index only: their names are not published. The network tells for each whether it is occluded. */
export const VISIBILITY_POINTS = 29;

/** Points of the iBUG 300-W scheme. */
export const LANDMARKS = 68;

/**
 * The landmarks as lines: first and last index, both included, and whether the line is closed. Sides are the picture's,
 * for an upright face that is not mirrored.
 */
export const LANDMARK_GROUPS = [
  { name: 'jaw', first: 0, last: 16, closed: false },
  { name: 'left eyebrow', first: 17, last: 21, closed: false },
  { name: 'right eyebrow', first: 22, last: 26, closed: false },
  { name: 'nose bridge', first: 27, last: 30, closed: false },
  { name: 'nose base', first: 31, last: 35, closed: false },
  { name: 'left eye', first: 36, last: 41, closed: true },
  { name: 'right eye', first: 42, last: 47, closed: true },
  { name: 'outer lips', first: 48, last: 59, closed: true },
  { name: 'inner lips', first: 60, last: 67, closed: true },
] as const;
